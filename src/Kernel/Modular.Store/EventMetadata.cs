namespace Modular.Store;

/// <summary>
/// Who acts, from where and in which request: stored with every event of the scope's unit of work.
/// One per scope; whoever knows the caller fills it, nobody passes it by hand.
/// </summary>
public sealed class EventMetadata
{
    /// <summary>The acting user's id; null when nobody is signed in.</summary>
    public string? Actor { get; set; }

    /// <summary>The acting session's id.</summary>
    public string? SessionId { get; set; }

    /// <summary>The organization the request acts in.</summary>
    public string? OrganizationId { get; set; }

    /// <summary>The client's address in text form. Personal data: stored encrypted.</summary>
    public string? IpAddress { get; set; }

    /// <summary>The client's User-Agent header. Personal data: stored encrypted.</summary>
    public string? UserAgent { get; set; }

    /// <summary>The id shared by everything one request caused.</summary>
    public string? CorrelationId { get; set; }

    /// <summary>The id of the message or request that directly caused this.</summary>
    public string? CausationId { get; set; }

    /// <summary>As it is now: a scope's metadata changes with its next request, that of an event never.</summary>
    internal EventMetadata Copy() => (EventMetadata)MemberwiseClone();
}
