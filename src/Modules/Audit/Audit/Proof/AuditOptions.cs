using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Audit;

/// <summary>The settings <c>Audit:*</c> of the proof.</summary>
internal sealed class AuditOptions
{
    /// <summary>The name of the log in its checkpoints; null: made from the public address, once.</summary>
    public string? LogOrigin { get; set; }

    /// <summary>Anybody may read checkpoints, hash tiles, proofs and keys; entries stay with administrators.</summary>
    public bool PublicLog { get; set; }

    /// <summary>The shortest time between two checkpoints.</summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a replaced key still signs beside its successor.</summary>
    public TimeSpan KeyOverlap { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Keys of those whose cosignatures are kept and served, as vkeys.</summary>
    public IReadOnlyList<string> Witnesses { get; set; } = [];

    public IReadOnlyList<NoteKey> WitnessKeys => [.. Witnesses.Select(NoteKey.Read).OfType<NoteKey>()];

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Audit");
        LogOrigin = section.GetValue(nameof(LogOrigin), LogOrigin);
        PublicLog = section.GetValue(nameof(PublicLog), PublicLog);
        CheckpointInterval = section.GetValue(nameof(CheckpointInterval), CheckpointInterval);
        KeyOverlap = section.GetValue(nameof(KeyOverlap), KeyOverlap);
        var witnesses = section.GetSection(nameof(Witnesses));
        Witnesses = [.. witnesses.GetChildren().Select(child => child.Value ?? "").Concat((witnesses.Value ?? "").Split(',')).Select(text => text.Trim()).Where(text => text.Length > 0)];
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class AuditOptionsValidation : IValidateOptions<AuditOptions>
{
    public ValidateOptionsResult Validate(string? name, AuditOptions options)
    {
        string?[] wrong =
        [
            options.LogOrigin is { } origin && !NoteKey.IsName(origin)
                ? "Audit:LogOrigin must be a name without spaces and plus signs, such as example.com/audit." : null,
            options.CheckpointInterval < TimeSpan.FromMilliseconds(10) ? "Audit:CheckpointInterval must be at least 0:00:00.01." : null,
            options.KeyOverlap < TimeSpan.Zero ? "Audit:KeyOverlap must not be below zero." : null,
            .. options.Witnesses.Where(text => NoteKey.Read(text)?.Kind != NoteKey.CosignatureKind)
                .Select(text => $"Audit:Witnesses: '{text}' is no key of a witness (name+id+base64, for cosignature/v1)."),
        ];
        var failures = wrong.OfType<string>().ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
