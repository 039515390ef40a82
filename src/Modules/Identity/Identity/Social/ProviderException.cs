namespace Modular.Identity;

/// <summary>
/// A provider does not answer, or not as it should: nothing that we did wrong. The message is for the operator's log and
/// holds no secret.
/// </summary>
internal sealed class ProviderException : Exception
{
    public ProviderException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    private ProviderException(string message, string? flaw)
        : base(message) => Flaw = flaw;

    /// <summary>What is wrong with the id token it vouched with; null: something else failed.</summary>
    public string? Flaw { get; }

    public static ProviderException WrongIdToken(string provider, string flaw) => new($"The id token of {provider} is not to be believed: {flaw}.", flaw);
}
