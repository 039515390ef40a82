using System.Collections.Concurrent;
using MediatR;
using Modular.Identity.Contracts;
using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>The operator makes users to try things with: <c>db seed</c>.</summary>
internal static class SeedUsers
{
    public const string Reason = "seed";

    internal sealed class Handler(IDocumentSession store, SeededStreams streams, SeedPasswords passwords, TimeProvider clock)
        : IRequestHandler<Contracts.SeedUsers, SeededUsers>
    {
        public async Task<SeededUsers> Handle(Contracts.SeedUsers request, CancellationToken cancellationToken)
        {
            if (request.Role is not (User.DefaultRole or User.AdminRole))
                throw new ArgumentException($"Nobody is seeded as '{request.Role}'.", nameof(request));
            var known = await streams.Find([.. request.Users.Select(user => user.Id)], cancellationToken);
            List<SeedUser> wanted = [.. request.Users.Where(user => !known.ContainsKey(user.Id))];
            var alive = known.Count == 0 ? [] : (await store.LoadManyAsync<User>(known.Keys, cancellationToken)).Select(user => user.Id).ToHashSet();
            var now = User.Now(clock);
            if (wanted.Count > 0)
            {
                var taken = await store.QueryAsync<User>("where d.email = any (?) limit 1", cancellationToken, (object)wanted.Select(user => user.Email).ToArray());
                if (taken.Count > 0)
                    return new([], [], null, $"The address {taken[0].Email} belongs to somebody who was not made by a seed.");
                if (await passwords.Hash(request.Password, cancellationToken) is not { } hash)
                    return new([], [], null, "Too many passwords are being hashed at this moment.");
                foreach (var user in wanted)
                    Register(user, request.Role, hash, now);
            }

            return new(
                [.. wanted.Select(user => user.Id)], [.. known.Keys.Where(id => !alive.Contains(id))],
                request.Users.Count == 0 ? null : known.TryGetValue(request.Users[0].Id, out var at) ? at : now, null);
        }

        // Other modules are told in this unit of work by whoever asked, not by a message: many of them would keep servers busy
        // long after the seed. The address is verified, or they could not sign in where that is required.
        private void Register(SeedUser user, string role, string hash, DateTimeOffset now)
        {
            store.Events.StartStream<User>(
                user.Id, new UserRegistered(user.Id, user.Name, user.Email, null, EmailVerified: true, role, now, Reason: Reason));
            store.Insert(Account.Credential(user.Id, hash, now));
        }
    }
}

/// <summary>Which of some users were ever made here, and when, whether they are still there or not.</summary>
internal sealed class SeededStreams(StoreDatabase database)
{
    public async Task<IReadOnlyDictionary<string, DateTimeOffset>> Find(string[] ids, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select id, created from identity.mt_streams where id = any ($1)");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
        var found = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            found[rows.GetString(0)] = rows.GetFieldValue<DateTimeOffset>(1);
        return found;
    }
}

/// <summary>One hash for everybody who is seeded with the same password: a hundred thousand of their own would take a day.</summary>
internal sealed class SeedPasswords(PasswordQueue passwords)
{
    private readonly ConcurrentDictionary<string, Task<string?>> known = new(StringComparer.Ordinal);

    /// <summary>Null: the queue is full.</summary>
    public Task<string?> Hash(string password, CancellationToken ct) => known.GetOrAdd(password, _ => Make(password, ct));

    private async Task<string?> Make(string password, CancellationToken ct)
    {
        var hash = await passwords.Hash(password, ct);
        return hash.Refusal is null ? hash.Answer : null;
    }
}
