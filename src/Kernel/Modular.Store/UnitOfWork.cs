namespace Modular.Store;

/// <summary>
/// Says who commits in a scope: whoever enters first. A request sent to another module while it is entered joins it,
/// and its changes go into the same batch (DESIGN §4).
/// </summary>
public sealed class UnitOfWork
{
    private bool _entered;

    /// <summary>True for the first: who has to commit, and to <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        if (_entered)
            return false;
        return _entered = true;
    }

    /// <summary>Ends it, committed or not.</summary>
    public void Leave() => _entered = false;
}
