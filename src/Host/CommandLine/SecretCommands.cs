using System.CommandLine;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>secrets …</c>: which secret wraps the keys of the database, and another one in its place.</summary>
internal static class SecretCommands
{
    public static Command All(CommandRunner runner) => new("secrets", "Which secret wraps the keys of the database, and another one in its place.")
    {
        runner.Command("status", "Say which secret wraps each key. Exit code 1 when it is not Auth:Secret for all of them.", Status),
        runner.Command("rotate", "Let Auth:Secret wrap every key. Servers go on working; they have to know that secret already.", Rotate),
    };

    private static async Task<int> Status(Invocation command, CancellationToken ct)
    {
        var keys = await command.Get<KeyRing>().Status(ct);
        var others = keys.Count(key => key.Secret > 0);
        var accepted = command.Get<IOptions<AuthOptions>>().Value.AcceptedSecrets.Count;
        command.Answer(
            new { keys = keys.Select(key => new { key.Name, secret = Word(key), key.CreatedAt, key.WrappedAt }), acceptedSecrets = accepted },
            terminal =>
            {
                terminal.WriteTable([.. keys.Select(key => new[] { key.Name, Word(key), $"since {key.WrappedAt:u}" })]);
                terminal.Output.WriteLine(others > 0
                    ? $"{others} of {keys.Count} keys hang on a secret that is only accepted: run 'secrets rotate'."
                    : accepted > 0
                        ? "All keys hang on Auth:Secret. Cookies that an accepted secret has signed are good until it is removed."
                        : "All keys hang on Auth:Secret, and no other secret is accepted.");
            });
        return others == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<int> Rotate(Invocation command, CancellationToken ct)
    {
        var names = await command.Send(new RewrapKeys(), ct);
        command.Answer(
            new { rewrapped = names },
            terminal => terminal.Output.WriteLine(names.Count == 0
                ? "Nothing to do: all keys hang on Auth:Secret."
                : $"{names.Count} keys hang on Auth:Secret now: {string.Join(", ", names)}."));
        return ExitCode.Done;
    }

    private static string Word(KeyStatus key) => key.Secret == 0 ? "Auth:Secret" : $"accepted secret {key.Secret}";
}
