using System.Buffers.Text;
using Microsoft.AspNetCore.Identity;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What the framework's handler reads of our users and passkeys. Whatever changes them is staged by the slices.</summary>
internal sealed class PasskeyStore(IDocumentSession store) : IUserPasskeyStore<User>
{
    public Task<User?> FindByIdAsync(string userId, CancellationToken cancellationToken) =>
        userId.Contains('\0') ? Task.FromResult<User?>(null) : store.LoadAsync<User>(userId, cancellationToken);

    public Task<string> GetUserIdAsync(User user, CancellationToken cancellationToken) => Task.FromResult(user.Id);

    public async Task<IList<UserPasskeyInfo>> GetPasskeysAsync(User user, CancellationToken cancellationToken) =>
        [.. (await OfUser(user.Id, cancellationToken)).Select(AsRead)];

    public async Task<UserPasskeyInfo?> FindPasskeyAsync(User user, byte[] credentialId, CancellationToken cancellationToken) =>
        await Find(Base64Url.EncodeToString(credentialId), cancellationToken) is { } passkey && passkey.UserId == user.Id ? AsRead(passkey) : null;

    // Nobody's, as far as the handler learns: RegisterPasskey looks for itself, to say so, and the index decides.
    public Task<User?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken) => Task.FromResult<User?>(null);

    /// <summary>The oldest first.</summary>
    public Task<IReadOnlyList<Passkey>> OfUser(string userId, CancellationToken ct) =>
        store.QueryAsync<Passkey>("where d.user_id = ? order by d.id", ct, userId);

    public async Task<Passkey?> Find(string credentialId, CancellationToken ct) =>
        (await store.QueryAsync<Passkey>("where d.credential_id = ?", ct, credentialId)).SingleOrDefault();

    public Task AddOrUpdatePasskeyAsync(User user, UserPasskeyInfo passkey, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemovePasskeyAsync(User user, byte[] credentialId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string?> GetUserNameAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetUserNameAsync(User user, string? userName, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string?> GetNormalizedUserNameAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetNormalizedUserNameAsync(User user, string? normalizedName, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<User?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> CreateAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> UpdateAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> DeleteAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void Dispose()
    {
        // The session belongs to the request.
    }

    // With a counter of 0, so that the handler leaves it to SignInWithPasskey.Decide to tell a copied authenticator from a
    // wrong signature: it answers both alike.
    private static UserPasskeyInfo AsRead(Passkey passkey) => new(
        Base64Url.DecodeFromChars(passkey.CredentialId), Convert.FromBase64String(passkey.PublicKey), passkey.CreatedAt, signCount: 0,
        passkey.Transports.Split(',', StringSplitOptions.RemoveEmptyEntries), isUserVerified: false, passkey.IsSynced, passkey.BackedUp,
        attestationObject: [], clientDataJson: []);
}
