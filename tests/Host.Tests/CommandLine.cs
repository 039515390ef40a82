using System.Text.Json;
using Modular.Host.CommandLine;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>Runs commands against one database, as a shell would: what went in, what came out, how it ended.</summary>
internal sealed class CommandLine(string connectionString)
{
    private readonly string[] _settings =
    [
        .. Pooler.Settings(connectionString).Select(setting => $"--{setting.Key}={setting.Value}"),
        "--Auth:PasswordIterations=1000",
    ];

    public string Secret { get; init; } = "a secret for tests, long enough to be one";

    public string Environment { get; init; } = "Development";

    /// <param name="input">What somebody types, or pipes in.</param>
    public async Task<CommandResult> RunWith(string input, params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(new StringReader(input), output, error, hasPerson: false);
        var exitCode = await Verbs.Run([.. words, .. _settings, $"--Auth:Secret={Secret}", "--environment", Environment], terminal);
        return new(exitCode, output.ToString(), error.ToString());
    }

    public Task<CommandResult> Run(params string[] words) => RunWith("", words);
}

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public IReadOnlyList<string> Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
