using System.Globalization;

namespace Modular.Store;

/// <summary>
/// A place in the order in which events became true: epoch, transaction, module, sequence (DESIGN §4, §7).
/// The order is that of transaction ids, which PostgreSQL hands out at a transaction's first write.
/// </summary>
/// <param name="Epoch">Rises when the database moves to another cluster, whose transaction ids start over.</param>
/// <param name="Transaction">The transaction's 64-bit id.</param>
/// <param name="Module">The schema of the event's module, compared byte by byte.</param>
/// <param name="Sequence">The event's number within the database.</param>
public readonly record struct FeedPosition(int Epoch, ulong Transaction, string Module, long Sequence)
    : IComparable<FeedPosition>
{
    /// <summary>Before the first event.</summary>
    public static readonly FeedPosition Start = new(0, 0, "", 0);

    public static bool operator <(FeedPosition left, FeedPosition right) => left.CompareTo(right) < 0;

    public static bool operator >(FeedPosition left, FeedPosition right) => left.CompareTo(right) > 0;

    public static bool operator <=(FeedPosition left, FeedPosition right) => left.CompareTo(right) <= 0;

    public static bool operator >=(FeedPosition left, FeedPosition right) => left.CompareTo(right) >= 0;

    public int CompareTo(FeedPosition other)
    {
        var order = Epoch.CompareTo(other.Epoch);
        if (order == 0)
            order = Transaction.CompareTo(other.Transaction);
        if (order == 0)
            order = string.CompareOrdinal(Module, other.Module);
        return order == 0 ? Sequence.CompareTo(other.Sequence) : order;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Epoch}/{Transaction}/{Module}/{Sequence}");
}
