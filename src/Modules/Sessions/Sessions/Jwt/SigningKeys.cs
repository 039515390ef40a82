using System.Security.Cryptography;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>A key in use; signs for several requests at once.</summary>
internal sealed class Signer(string id, ECDsa key, DateTimeOffset until)
{
    private readonly Lock gate = new();

    public string Id => id;

    /// <summary>From when on another has to be looked for.</summary>
    public DateTimeOffset Until => until;

    public byte[] Sign(byte[] data)
    {
        // The framework does not promise that one key may sign for two at once.
        lock (gate)
            return key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}

/// <summary>
/// The keys of <c>/token</c> and <c>/jwks</c>: in the database, so that every node signs with the same one. A node keeps
/// the newest in memory until it is due to be replaced; what is published is read each time, so that no node withholds a
/// key that another has just made.
/// </summary>
internal sealed class SigningKeys(IDocumentStore store, KeySeal seal, IServiceScopeFactory scopes, IOptions<JwtOptions> options, TimeProvider clock)
{
    private const int MostTries = 5;

    private volatile Signer? current;

    /// <summary>The one in memory; null: ask <see cref="Current"/>.</summary>
    public Signer? Ready => current is { } signer && clock.GetUtcNow() < signer.Until ? signer : null;

    /// <summary>The key to sign with; made when there is none, or none that is young enough and ours to open.</summary>
    public async Task<Signer> Current(CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (Ready is { } ready)
                return ready;
            var newest = SigningKey.Newest(await Read(ct));
            if (newest is not null && newest.CreatedAt + options.Value.RotateAfter > clock.GetUtcNow() && seal.Open(newest) is { } key)
                return current = new Signer(newest.Id, key, newest.CreatedAt + options.Value.RotateAfter);
            if (attempt == MostTries)
                throw new InvalidOperationException("No key to sign tokens with could be made.");
            await using var scope = scopes.CreateAsyncScope();
            // Refused when another was faster, whose key is then the newest.
            await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ReplaceSigningKey.Command(newest?.Id ?? ""), ct);
        }
    }

    /// <summary>Those that tokens may be checked by, the newest first.</summary>
    public async Task<IReadOnlyList<SigningKey>> Published(CancellationToken ct)
    {
        await Current(ct);
        return SigningKey.Published(await Read(ct), options.Value.KeepFor, clock.GetUtcNow());
    }

    private async Task<IReadOnlyList<SigningKey>> Read(CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return await session.QueryAsync<SigningKey>("where true", ct);
    }
}
