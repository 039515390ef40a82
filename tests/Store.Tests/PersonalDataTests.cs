using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Store.Tests;

public sealed class PersonalDataTests(Store store) : IClassFixture<Store>
{
    private Node Node => store.Node;

    [Fact]
    public async Task Personal_data_is_stored_as_ciphertext_and_read_in_clear()
    {
        var (key, owner) = (Some.Key(), Some.Key("owner"));
        await using var session = Node.Store.LightweightSession(new EventMetadata { Actor = "teller", IpAddress = "203.0.113.9", UserAgent = "Mozilla/5" });
        session.Events.Append(key, new AccountOpened(owner, "ada@example.org"));
        await session.SaveChangesAsync();

        var row = Assert.Single(await Node.Rows("select data::text, canonical from bank.mt_events where stream_id = $1", key));
        foreach (var stored in (string[])[(string)row[0]!, Encoding.UTF8.GetString((byte[])row[1]!)])
        {
            Assert.DoesNotContain("ada@", stored, StringComparison.Ordinal);
            Assert.DoesNotContain("203.0.113.9", stored, StringComparison.Ordinal);
            Assert.DoesNotContain("Mozilla", stored, StringComparison.Ordinal);
            Assert.Contains(owner, stored, StringComparison.Ordinal);
        }

        var e = Assert.Single(await session.Events.FetchStreamAsync<Account>(key));
        Assert.Equal(new AccountOpened(owner, "ada@example.org"), e.Data);
        Assert.Equal(("203.0.113.9", "Mozilla/5"), (e.Metadata.IpAddress, e.Metadata.UserAgent));
    }

    [Fact]
    public async Task A_person_whose_key_is_shredded_is_gone_from_every_event_at_once_and_the_rows_stay()
    {
        var (key, owner) = (Some.Key(), Some.Key("owner"));
        await Node.Append(key, new AccountOpened(owner, "ada@x"), new MoneyPaidIn(1), new EmailChanged(owner, "ada@y"));
        var before = await Node.Rows("select md5(canonical) from bank.mt_events where stream_id = $1 order by version", key);
        Assert.Equal(["ada@x", null, "ada@y"], await Emails(Node, key));

        await Shred(owner);
        Assert.Equal([null, null, null], await Emails(Node, key));
        Assert.Equal(before, await Node.Rows("select md5(canonical) from bank.mt_events where stream_id = $1 order by version", key));
        await using var other = Node.Create(store.ConnectionString);
        Assert.Equal([null, null, null], await Emails(other, key));
    }

    [Fact]
    public async Task Another_node_knows_within_a_minute()
    {
        var (key, owner, mail) = (Some.Key(), Some.Key("owner"), Some.Key("mail"));
        await Node.Append(key, new AccountOpened(owner, mail));
        await using var other = Node.Create(store.ConnectionString);
        Assert.Equal([mail], await Emails(other, key));
        await Shred(owner);
        other.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal([null], await Emails(other, key));
    }

    [Fact]
    public async Task A_late_event_about_an_erased_person_keeps_nothing_of_them()
    {
        var (key, owner) = (Some.Key(), Some.Key("owner"));
        await Shred(owner);
        await using var session = Node.Store.LightweightSession(new EventMetadata { IpAddress = "203.0.113.9" });
        session.Events.Append(key, new AccountOpened(owner, "ada@x"));
        await session.SaveChangesAsync();
        var e = Assert.Single(await session.Events.FetchStreamAsync<Account>(key));
        Assert.Equal(new AccountOpened(owner, null), e.Data);
        Assert.Null(e.Metadata.IpAddress);
        Assert.Equal(
            ["""{"email": null, "owner": "OWNER"}""".Replace("OWNER", owner, StringComparison.Ordinal)],
            Assert.Single(await Node.Rows("select data::text from bank.mt_events where stream_id = $1", key)));
    }

    [Fact]
    public async Task A_node_that_remembers_a_shredded_key_writes_what_nobody_can_read()
    {
        var (key, owner) = (Some.Key(), Some.Key("owner"));
        await using var other = Node.Create(store.ConnectionString);
        await other.Append(Some.Key(), new AccountOpened(owner, Some.Key("mail")));
        await Shred(owner);
        await other.Append(key, new AccountOpened(owner, Some.Key("mail")));
        Assert.Equal([null], await Emails(Node, key));
        Assert.Empty(await Node.Rows("select 1 from store.subject_keys where subject = $1 and wrapped is not null", owner));
    }

    [Fact]
    public async Task Two_nodes_that_make_the_same_persons_key_at_once_end_up_with_one()
    {
        await using var other = Node.Create(store.ConnectionString);
        for (var round = 0; round < 8; round++)
        {
            var owner = Some.Key("owner");
            var keys = Enumerable.Range(0, 8).Select(_ => Some.Key()).ToList();
            await Task.WhenAll(keys.Select((key, at) => (at % 2 == 0 ? Node : other).Append(key, new AccountOpened(owner, $"{key}@x"))));
            await using var third = Node.Create(store.ConnectionString);
            foreach (var key in keys)
                Assert.Equal([$"{key}@x"], await Emails(third, key));
            Assert.Single(await Node.Rows("select 1 from store.subject_keys where subject = $1", owner));
        }
    }

    [Fact]
    public async Task Units_of_work_about_several_new_people_do_not_wait_for_each_other_for_ever()
    {
        var owners = Enumerable.Range(0, 6).Select(_ => Some.Key("owner")).ToList();
        await using var other = Node.Create(store.ConnectionString);
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async at =>
        {
            await using var session = (at % 2 == 0 ? Node : other).Session();
            foreach (var owner in at % 2 == 0 ? owners : Enumerable.Reverse(owners))
                session.Events.Append(Some.Key(), new AccountOpened(owner, Some.Key("mail")));
            await session.SaveChangesAsync();
        }));
        Assert.Equal(6L, await Node.Value<long>("select count(*) from store.subject_keys where subject = any($1)", owners));
    }

    [Fact]
    public async Task A_ciphertext_that_was_moved_to_another_event_does_not_open()
    {
        var (one, two, owner) = (Some.Key(), Some.Key(), Some.Key("owner"));
        await Node.Append(one, new AccountOpened(owner, "one@x"));
        await Node.Append(two, new AccountOpened(owner, "two@x"));
        await Node.Execute(
            "update bank.mt_events t set canonical = f.canonical from bank.mt_events f where t.stream_id = $1 and f.stream_id = $2", two, one);
        Assert.Equal([null], await Emails(Node, two));
    }

    [Fact]
    public async Task A_start_with_another_secret_is_refused_by_its_name()
    {
        await Node.Append(Some.Key(), new AccountOpened(Some.Key("owner"), Some.Key("mail")));
        await using var other = Node.Create(store.ConnectionString, secret: "a secret that somebody has typed anew, long enough");
        var refused = await Assert.ThrowsAsync<WrongSecretException>(() => other.Migrator.Apply());
        Assert.Contains("Auth:Secret", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<WrongSecretException>(() => other.Migrator.EnsureApplied());
    }

    [Fact]
    public void Personal_data_that_would_stay_in_clear_stops_the_start()
    {
        Assert.Throws<InvalidOperationException>(() => Map<HiddenInside>());
        Assert.Throws<InvalidOperationException>(() => Map<HiddenInAList>());
        Assert.Throws<InvalidOperationException>(() => Map<CannotBeNull>());
        Map<WholeMember>();
    }

    [Fact]
    public async Task A_member_is_personal_by_the_name_json_gives_it_and_whole()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var node = await Node.Start(database.ConnectionString, services => services.ConfigureStore("people", people =>
            people.Events.MapEventType<WholeMember>("person.moved.1").About(e => e.Who)));
        await using var session = node.Session();
        var moved = new WholeMember("ada", new Address("Karl Johans gate"), ["+47"], 41);
        session.Events.Append("ada", moved);
        await session.SaveChangesAsync();
        var stored = await node.Value<string>("select data::text from people.mt_events");
        Assert.DoesNotContain("Karl", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("+47", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("41", stored.Split("\"enc\"")[0], StringComparison.Ordinal);
        var read = (WholeMember)Assert.Single(await session.Events.FetchStreamAsync<Person>("ada")).Data;
        Assert.Equal((moved.Who, moved.Home, moved.Age, "+47"), (read.Who, read.Home, read.Age, Assert.Single(read.Phones!)));
    }

    private static void Map<T>()
        where T : class =>
        new StoreOptions("people").Events.MapEventType<T>("person.moved.1");

    private static async Task<List<string?>> Emails(Node node, string key)
    {
        await using var session = node.Session();
        return [.. (await session.Events.FetchStreamAsync<Account>(key))
            .Select(e => e.Data switch { AccountOpened opened => opened.Email, EmailChanged changed => changed.Email, _ => null })];
    }

    private async Task Shred(string subject)
    {
        await using var session = Node.Session();
        SubjectKeys.Shred(session, subject);
        await session.SaveChangesAsync();
    }

    private sealed record Person(string Who)
    {
        public static Person Create(WholeMember e) => new(e.Who);
    }

    private sealed record Address([PersonalData] string Street);

    private sealed record PlainAddress(string Street);

    private sealed record HiddenInside(string Who, Address Home);

    private sealed record HiddenInAList(string Who, List<Address> Homes);

    private sealed record CannotBeNull(string Who, [PersonalData] DateOnly Born);

    private sealed record WholeMember(
        string Who, [PersonalData] Address? Home, [PersonalData][property: System.Text.Json.Serialization.JsonPropertyName("tel")] string[]? Phones, [PersonalData] int? Age);
}
