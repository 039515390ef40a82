using System.Security.Cryptography;
using System.Text;
using Modular.Testing;

namespace Modular.Store.Tests;

public sealed class KeyRingTests : IAsyncLifetime
{
    private const string Old = "the secret of these tests, 32 characters and more";
    private const string New = "another secret of these tests, 32 characters and more";

    private TestDatabase? _database;

    private string Database => _database!.ConnectionString;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database!.DisposeAsync();

    [Fact]
    public async Task The_keys_of_a_new_database_are_its_own_and_no_secret_yields_them()
    {
        await using var node = await Node.Start(Database, secret: Old);
        var ring = node.Get<KeyRing>();
        List<byte[]> keys = [ring.Of("secret-box"), ring.Of("subject-keys"), ring.Of("something-new")];
        Assert.Equal(3, keys.Select(Convert.ToHexString).Distinct().Count());
        Assert.All(keys, key => Assert.Equal(32, key.Length));
        Assert.NotEqual(Derived(Old, "secret-box"), keys[0]);
        var stored = await node.Rows("select wrapped from store.keys");
        Assert.All(stored, row => Assert.DoesNotContain(Convert.ToHexString(keys[0]), Convert.ToHexString((byte[])row[0]!), StringComparison.Ordinal));
    }

    [Fact]
    public async Task All_nodes_have_the_same_key_also_of_a_name_that_is_new_to_all_of_them_at_once()
    {
        await using var first = await Node.Start(Database);
        var nodes = Enumerable.Range(0, 8).Select(_ => Node.Create(Database)).ToList();
        var made = await Task.WhenAll(nodes.Select(node => Task.Run(() => Convert.ToHexString(node.Get<KeyRing>().Of("made-by-many")))));
        Assert.Single(made.Distinct());
        Assert.Equal(made[0], Convert.ToHexString(first.Get<KeyRing>().Of("made-by-many")));
        foreach (var node in nodes)
            await node.DisposeAsync();
    }

    [Fact]
    public async Task Another_secret_takes_over_while_nodes_of_every_stage_work_and_the_old_one_opens_nothing_afterwards()
    {
        await using var before = await Node.Start(Database, secret: Old);
        await before.Append("one", new AccountOpened("ada", "ada@x"));
        await using var during = await Node.Start(Database, secret: Old, accepted: New);
        await using var rotating = await Node.Start(Database, secret: New, accepted: Old);
        Assert.All(await rotating.Get<KeyRing>().Status(default), key => Assert.Equal(1, key.Secret));

        Assert.Equal((await rotating.Get<KeyRing>().Status(default)).Select(key => key.Name), await Rewrap(rotating));
        Assert.Empty(await Rewrap(rotating));
        Assert.All(await rotating.Get<KeyRing>().Status(default), key => Assert.Equal(0, key.Secret));
        Assert.All(await during.Get<KeyRing>().Status(default), key => Assert.Equal(1, key.Secret));

        // Who runs goes on, whatever it knows; who starts has to know the new one.
        await before.Append("two", new AccountOpened("bob", "bob@x"));
        await during.Append("three", new AccountOpened("eve", "eve@x"));
        await using var after = await Node.Start(Database, secret: New);
        foreach (var node in (Node[])[before, during, rotating, after])
            Assert.Equal("ada@x bob@x eve@x", $"{await Email(node, "one")} {await Email(node, "two")} {await Email(node, "three")}");
        await using var late = Node.Create(Database, secret: Old);
        Assert.Contains("Auth:AcceptedSecrets", (await Assert.ThrowsAsync<WrongSecretException>(() => late.Migrator.Apply())).Message, StringComparison.Ordinal);
        Assert.Throws<WrongSecretException>(() => late.Get<KeyRing>().Of("secret-box"));
    }

    [Fact]
    public async Task Of_several_who_rotate_at_once_one_does_and_every_key_stays_what_it_is()
    {
        await using var old = await Node.Start(Database, secret: Old);
        var key = old.Get<KeyRing>().Of("secret-box");
        var nodes = Enumerable.Range(0, 4).Select(_ => Node.Create(Database, secret: New, accepted: Old)).ToList();
        var outcomes = await Task.WhenAll(nodes.Select(async node =>
        {
            try
            {
                return (await Rewrap(node)).Count;
            }
            catch (ConcurrencyException)
            {
                return -1;
            }
        }));
        Assert.Single(outcomes, count => count > 0);
        await using var after = await Node.Start(Database, secret: New);
        Assert.Equal(key, after.Get<KeyRing>().Of("secret-box"));
        foreach (var node in nodes)
            await node.DisposeAsync();
    }

    [Fact]
    public async Task A_database_from_before_there_were_keys_goes_on_with_those_that_its_secret_yielded()
    {
        var key = RandomNumberGenerator.GetBytes(32);
        await using (var node = await Node.Start(Database, secret: Old))
        {
            await node.Execute("delete from store.keys");
            await node.Execute(
                "insert into store.subject_keys (subject, wrapped) values ('ada', $1)",
                SealedBytes.Seal(Derived(Old, "subject-keys"), key, Encoding.UTF8.GetBytes("ada")));
        }

        await using (var wrong = Node.Create(Database, secret: New))
            await Assert.ThrowsAsync<WrongSecretException>(() => wrong.Migrator.Apply());
        // Also where the first start of this version is already one with another secret.
        await using var upgraded = await Node.Start(Database, secret: New, accepted: Old);
        Assert.Equal(Derived(Old, "subject-keys"), upgraded.Get<KeyRing>().Of("subject-keys"));
        Assert.Equal(Derived(Old, "backup-codes"), upgraded.Get<KeyRing>().Of("backup-codes"));
        Assert.Equal(key, (await upgraded.Get<SubjectKeys>().For(["ada"], create: false, default))["ada"].Secret);
        Assert.NotEqual(Derived(Old, "something-new"), upgraded.Get<KeyRing>().Of("something-new"));
        await using var after = await Node.Start(Database, secret: New);
        Assert.Equal(Derived(Old, "backup-codes"), after.Get<KeyRing>().Of("backup-codes"));
    }

    private static async Task<IReadOnlyList<string>> Rewrap(Node node)
    {
        await using var session = node.Session();
        var names = await node.Get<KeyRing>().Rewrap(session, default);
        await session.SaveChangesAsync();
        return names;
    }

    private static async Task<string?> Email(Node node, string stream)
    {
        await using var session = node.Session();
        return ((AccountOpened)(await session.Events.FetchStreamAsync<Account>(stream)).Single().Data).Email;
    }

    private static byte[] Derived(string secret, string name) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Encoding.UTF8.GetBytes($"modular/{name}/1"));
}
