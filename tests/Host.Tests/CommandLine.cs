using System.Text.Json;
using Modular.Host.CommandLine;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>Runs commands against one database, as a shell would: what went in, what came out, how it ended.</summary>
internal sealed class CommandLine(string connectionString)
{
    private readonly string[] _settings = [.. Pooler.Settings(connectionString).Select(setting => $"--{setting.Key}={setting.Value}")];

    public string Secret { get; init; } = "a secret for tests, long enough to be one";

    public string Environment { get; init; } = "Development";

    // Production takes nothing less than it is to take.
    private string[] Cheap => Environment == "Production" ? [] : ["--Auth:PasswordIterations=1000"];

    /// <param name="input">What somebody types, or pipes in.</param>
    public Task<CommandResult> RunWith(string input, params string[] words) => Run(input, words, CancellationToken.None);

    private async Task<CommandResult> Run(string input, string[] words, CancellationToken ct)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(new StringReader(input), output, error, hasPerson: false);
        var exitCode = await Verbs.Run([.. words, .. _settings, .. Cheap, $"--Auth:Secret={Secret}", "--environment", Environment], terminal, ct);
        return new(exitCode, output.ToString(), error.ToString());
    }

    public Task<CommandResult> Run(params string[] words) => RunWith("", words);

    /// <summary>Somebody presses Ctrl-C when they have waited long enough.</summary>
    public Task<CommandResult> Until(CancellationToken enough, params string[] words) => Run("", words, enough);
}

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public IReadOnlyList<string> Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
