using Modular.Host.Database;

namespace Modular.Host.Tests;

public sealed class PostgresFoldersTests
{
    [FactAsRoot]
    public void Roots_own_projects_get_places_that_others_can_reach_and_that_do_not_collide()
    {
        using var closed = new ScratchFolder();
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(closed.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var said = new List<string>();

        var one = PostgresFolders.Resolve(new() { ContentRoot = closed["one"] }, said.Add);
        var two = PostgresFolders.Resolve(new() { ContentRoot = closed["two"] }, said.Add);
        var asked = PostgresFolders.Resolve(new() { DataDirectory = closed["three"] }, said.Add);

        string[] homes = [one.Home, two.Home, asked.Home];
        try
        {
            Assert.Equal(3, homes.Distinct().Count());
            Assert.All(homes, home => Assert.False(home.StartsWith(closed.Path, StringComparison.Ordinal)));
            Assert.All(homes, home => Assert.Contains(said, line => line.EndsWith(home, StringComparison.Ordinal)));
            Assert.Equal(one, PostgresFolders.Resolve(new() { ContentRoot = closed["one"] }, said.Add) with { Caches = one.Caches });
        }
        finally
        {
            Assert.All(homes, home => Directory.Delete(home, recursive: true));
        }
    }

    [Fact]
    public void A_folder_that_was_asked_for_is_used_where_it_is()
    {
        using var open = new ScratchFolder();

        Assert.Equal(open["postgres"], PostgresFolders.Resolve(new() { DataDirectory = open.Path }, _ => { }).Home);
    }

    [Fact]
    public void A_data_directory_that_cannot_be_written_is_named()
    {
        var refused = Assert.Throws<DatabaseSetupException>(
            () => PostgresFolders.Resolve(new() { DataDirectory = "/proc/modular" }, _ => { }));

        Assert.StartsWith("The folder /proc/modular/postgres cannot be written", refused.Message, StringComparison.Ordinal);
    }
}
