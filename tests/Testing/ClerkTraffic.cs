using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Modular.Testing;

/// <summary>A user of Clerk as they are to be in the end.</summary>
public sealed record ClerkPerson(string Id, string Name, string Email, bool Verified, bool Banned, bool Deleted);

/// <summary>One webhook, with a signature that was made here and not by the server's code.</summary>
public sealed record ClerkMessage(string Id, string Body, bool IsForged = false)
{
    /// <summary>The headers of a delivery now.</summary>
    public IReadOnlyDictionary<string, string> Headers(string secret, DateTimeOffset now)
    {
        var timestamp = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return new Dictionary<string, string> { ["svix-id"] = Id, ["svix-timestamp"] = timestamp, ["svix-signature"] = $"v1,{Sign(secret, Id, timestamp, Body)}" };
    }

    public static string Sign(string secret, string id, string timestamp, string body)
    {
        using var hmac = new HMACSHA256(Convert.FromBase64String(secret["whsec_".Length..]));
        return Convert.ToBase64String(hmac.ComputeHash(Encoding.UTF8.GetBytes(id + "." + timestamp + "." + body)));
    }
}

/// <summary>
/// The lives of many users of Clerk as messages: created, renamed, moved to another address, banned, deleted, addresses handed from one
/// to the next; in any order, some twice, some forged. What the end must be is known.
/// </summary>
public sealed class ClerkTraffic
{
    private readonly Random _chance;
    private readonly List<ClerkMessage> _messages = [];
    private readonly List<ClerkPerson> _people = [];
    private long _time = 1_700_000_000_000;

    /// <param name="messages">About how many; at least as many are made.</param>
    /// <param name="seed">The same traffic again.</param>
    public ClerkTraffic(int messages, int seed)
    {
        _chance = new Random(seed);
        while (_messages.Count < messages)
            Live();
        Messages = [.. _messages.OrderBy(_ => _chance.Next())];
    }

    /// <summary>Shuffled.</summary>
    public IReadOnlyList<ClerkMessage> Messages { get; }

    public IReadOnlyList<ClerkPerson> People => _people;

    /// <summary>A body as Clerk writes it.</summary>
    public static string Body(string type, ClerkPerson person, long updatedAt) => JsonSerializer.Serialize(new
    {
        data = type == "user.deleted"
            ? (object)new { deleted = true, id = person.Id, @object = "user" }
            : new
            {
                id = person.Id,
                @object = "user",
                first_name = person.Name,
                last_name = "Clerk",
                image_url = "https://img.clerk.com/x",
                primary_email_address_id = "idn_2",
                email_addresses = new object[]
                {
                    new { id = "idn_1", email_address = "second." + person.Email, verification = new { status = "verified" } },
                    new { id = "idn_2", email_address = person.Email, verification = new { status = person.Verified ? "verified" : "unverified" } },
                },
                banned = person.Banned,
                locked = false,
                created_at = 1_690_000_000_000,
                updated_at = updatedAt,
            },
        @object = "event",
        timestamp = updatedAt + 5,
        type,
    });

    /// <summary>Delivers everything as Svix does: what is not acknowledged comes again. Answers how often each status was answered.</summary>
    public async Task<IReadOnlyDictionary<int, int>> Deliver(IReadOnlyList<string> nodes, string secret, int atOnce, Func<DateTimeOffset> now)
    {
        using var client = new HttpClient();
        var statuses = new ConcurrentDictionary<int, int>();
        var waiting = Messages;
        for (var round = 0; waiting.Count > 0; round++)
        {
            if (round > 50)
                throw new InvalidOperationException($"{waiting.Count} messages are never acknowledged.");
            var again = new ConcurrentBag<ClerkMessage>();
            await Parallel.ForEachAsync(waiting, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (message, ct) =>
            {
                var node = nodes[Math.Abs(message.GetHashCode()) % nodes.Count];
                using var request = new HttpRequestMessage(HttpMethod.Post, $"{node}/api/webhooks/clerk") { Content = new StringContent(message.Body, Encoding.UTF8, "application/json") };
                foreach (var (name, value) in message.Headers(message.IsForged ? Forger : secret, now()))
                    request.Headers.Add(name, value);
                using var answer = await client.SendAsync(request, ct);
                statuses.AddOrUpdate((int)answer.StatusCode, 1, (_, count) => count + 1);
                if (answer.StatusCode is not HttpStatusCode.OK && !message.IsForged)
                    again.Add(message);
            });
            waiting = [.. again];
        }

        return statuses;
    }

    private static string Forger { get; } = "whsec_" + Convert.ToBase64String(Encoding.UTF8.GetBytes("somebody else's secret, as long"));

    private void Live()
    {
        var person = new ClerkPerson($"user_{_chance.NextInt64():x}", "N0", $"c{_people.Count}.{_chance.Next():x}@example.com", _chance.Next(4) > 0, Banned: false, Deleted: false);
        var born = person.Email;
        Tell("user.created", person);
        for (var changes = _chance.Next(6); changes > 0; changes--)
        {
            person = _chance.Next(4) switch
            {
                0 => person with { Banned = !person.Banned },
                1 => person with { Email = $"m{_chance.Next():x}.{person.Email}", Verified = true },
                _ => person with { Name = $"N{_chance.Next(1000)}" },
            };
            Tell("user.updated", person);
        }

        if (_chance.Next(4) == 0)
        {
            person = person with { Deleted = true };
            Tell("user.deleted", person);
        }

        _people.Add(person);
        if (person.Deleted || person.Email != born)
            Inherit(born);
    }

    // Somebody else gets the address that was given up.
    private void Inherit(string address)
    {
        var heir = new ClerkPerson($"user_{_chance.NextInt64():x}", "Heir", address, Verified: true, Banned: false, Deleted: false);
        Tell("user.created", heir);
        _people.Add(heir);
    }

    private void Tell(string type, ClerkPerson person)
    {
        _time += 1000;
        var message = new ClerkMessage($"msg_{_messages.Count}_{_chance.Next():x}", Body(type, person, _time));
        _messages.Add(message);
        for (var copies = _chance.Next(10) < 3 ? _chance.Next(1, 3) : 0; copies > 0; copies--)
            _messages.Add(message);
        if (_chance.Next(10) == 0)
            _messages.Add(new ClerkMessage($"msg_f{_chance.NextInt64():x}", Body("user.updated", person with { Name = "Forged", Banned = true }, _time + 500_000), IsForged: true));
    }
}
