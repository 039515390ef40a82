namespace Modular.Store;

/// <summary>
/// Figures that have to be counted in the database: counted when somebody asks for metrics, before observable instruments
/// are read, and not otherwise.
/// </summary>
public interface IMeasuredOnDemand
{
    /// <summary>Must not throw: what cannot be counted now is not told.</summary>
    Task Measure(CancellationToken ct);
}
