namespace Modular.Sessions;

/// <summary>
/// Which sessions stay when there is no room for all (S3-FIFO, Yang et al., SOSP 2023, without its ghost queue): a
/// newcomer has a tenth of the room and leaves it first unless it is used again, so that a flood of sessions that are
/// checked once cannot push out those in use. Not safe for several threads.
/// </summary>
internal sealed class RecentlyUsed(long room)
{
    private readonly LinkedList<KnownSession> newcomers = new();
    private readonly LinkedList<KnownSession> residents = new();
    private long newcomerBytes;
    private long residentBytes;

    /// <summary>Takes one in and answers who has to go.</summary>
    public IEnumerable<KnownSession> Add(KnownSession known)
    {
        known.Place = newcomers.AddLast(known);
        newcomerBytes += known.Bytes;
        var gone = new List<KnownSession>();
        while (newcomerBytes + residentBytes > room && newcomers.Count + residents.Count > 1)
        {
            if ((newcomerBytes > room / 10 || residents.Count == 0 ? LeaveNewcomers() : LeaveResidents()) is { } left)
                gone.Add(left);
        }

        return gone;
    }

    /// <summary>Takes one out; nothing when it has left already.</summary>
    public void Remove(KnownSession known)
    {
        if (known.Place is not { List: { } list } place)
            return;
        if (list == newcomers)
            newcomerBytes -= known.Bytes;
        else
            residentBytes -= known.Bytes;
        list.Remove(place);
        known.Place = null;
    }

    public void Clear()
    {
        newcomers.Clear();
        residents.Clear();
        (newcomerBytes, residentBytes) = (0, 0);
    }

    private KnownSession? LeaveNewcomers()
    {
        var oldest = newcomers.First!.Value;
        Remove(oldest);
        if (oldest.Uses == 0)
            return oldest;
        Settle(oldest);
        return null;
    }

    private KnownSession? LeaveResidents()
    {
        var oldest = residents.First!.Value;
        Remove(oldest);
        if (oldest.Uses == 0)
            return oldest;
        oldest.Uses--;
        Settle(oldest);
        return null;
    }

    private void Settle(KnownSession known)
    {
        known.Place = residents.AddLast(known);
        residentBytes += known.Bytes;
    }
}
