using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;
using Npgsql;

namespace Modular.Store.Tests;

public sealed class MigrationTests : IAsyncLifetime
{
    private TestDatabase? _database;

    private string Database => _database!.ConnectionString;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database!.DisposeAsync();

    [Fact]
    public async Task Nodes_that_start_at_once_migrate_once()
    {
        var nodes = Enumerable.Range(0, 4).Select(_ => Node.Create(Database)).ToList();
        var applied = await Task.WhenAll(nodes.Select(node => node.Migrator.Apply()));
        Assert.Single(applied, steps => steps.Count > 0);
        await Task.WhenAll(nodes.Select((node, at) => node.Append("a", new LineWritten($"{at}", 1))));
        foreach (var node in nodes)
            await node.DisposeAsync();
    }

    [Fact]
    public async Task A_second_start_finds_nothing_to_do()
    {
        await using var node = await Node.Start(Database);
        Assert.Empty(await node.Migrator.Apply());
        Assert.All(await node.Migrator.Status(), step => Assert.Equal(MigrationState.Applied, step.State));
        await node.Migrator.EnsureApplied();
    }

    [Fact]
    public async Task Looking_changes_nothing()
    {
        await using var node = Node.Create(Database);
        Assert.All(await node.Migrator.Status(), step => Assert.Equal((MigrationState.Pending, null), (step.State, step.AppliedAt)));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => node.Migrator.EnsureApplied());
        Assert.Contains("store/foundation", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await node.Value<long>("select count(*) from pg_namespace where nspname in ('store', 'bank', 'journal')"));
    }

    [Fact]
    public async Task A_script_that_was_edited_after_it_had_run_is_refused_by_name()
    {
        await using (await Node.Start(Database, services => services.ConfigureStore("x", options => options.Storage.Script("001-t", "create table {schema}.t (a int)"))))
        {
        }

        await using var edited = Node.Create(Database, services => services.ConfigureStore("x", options => options.Storage.Script("001-t", "create table {schema}.t (a bigint)")));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => edited.Migrator.Apply());
        Assert.Equal("The migration x/001-t was edited after it had been applied; write a new one instead.", refused.Message);
        Assert.Contains(await edited.Migrator.Status(), step => step is { Name: "001-t", State: MigrationState.Edited });
        await Assert.ThrowsAsync<InvalidOperationException>(() => edited.Migrator.EnsureApplied());
    }

    [Fact]
    public async Task A_script_that_fails_leaves_nothing_of_itself_and_lets_the_next_start_go_on()
    {
        await using (var wrong = Node.Create(Database, services => Scripts(services, "create table {schema}.second (a int); select 1 / 0")))
            await Assert.ThrowsAsync<PostgresException>(() => wrong.Migrator.Apply());
        await using var right = Node.Create(Database, services => Scripts(services, "create table {schema}.second (a int)"));
        Assert.Null((await right.Rows("select to_regclass('x.second')::text"))[0][0]);
        Assert.Equal("002-second", Assert.Single(await right.Migrator.Apply()).Name);

        static void Scripts(IServiceCollection services, string second) => services.ConfigureStore("x", options =>
        {
            options.Storage.Script("001-first", "create table {schema}.first (a int)");
            options.Storage.Script("002-second", second);
        });
    }

    [Fact]
    public async Task A_column_that_a_document_gets_later_is_filled_while_the_version_before_goes_on()
    {
        await using var before = await Node.Start(Database, services => Notes(services, _ => { }));
        await using (var session = before.Session())
        {
            for (var at = 0; at < 2_300; at++)
                session.Insert(new Note($"n{at:0000}", $"t{at}", at % 2 == 0 ? "ada" : null, Weight: at));
            await session.SaveChangesAsync();
        }

        await using var after = await Node.Start(Database, services => Notes(services, notes => notes
            .Duplicate(note => note.Author, "text").Duplicate(note => note.Weight, "integer").Index(note => note.Author).UniqueIndex("x_weight", note => note.Weight)));
        Assert.Equal(
            [2_300L, 1_150L, 2_299],
            Assert.Single(await after.Rows("select count(*), count(author), max(weight) from x.mt_doc_note where weight = (data ->> 'weight')::int")));
        Assert.Empty(await after.Get<SchemaValidator>().Validate());

        await using (var session = before.Session())
        {
            session.Insert(new Note("old", "old"));
            session.Update(new Note("n0001", "changed", Weight: 1));
            await session.SaveChangesAsync();
        }

        await using (var session = after.Session())
        {
            session.Insert(new Note("new", "new", Weight: 5));
            Assert.Equal("x_weight", (await Assert.ThrowsAsync<DocumentAlreadyExistsException>(() => session.SaveChangesAsync())).ConstraintName);
        }

        Assert.Empty(await after.Migrator.Apply());

        static void Notes(IServiceCollection services, Action<DocumentMapping<Note>> configure) =>
            services.ConfigureStore("x", options => configure(options.Schema.For<Note>()));
    }

    [Fact]
    public async Task Sessions_of_ours_leave_no_transaction_open_for_long_and_overrule_nobodys_limits()
    {
        await using (var direct = StoreDatabase.Open(Database))
        await using (var node = Node.Create(Database))
        {
            Assert.Equal(("30s", "10s"), await Limits(await direct.Pooled.OpenConnectionAsync()));
            Assert.Equal(("0", "0"), await Limits(await direct.Direct.OpenConnectionAsync()));
            await node.Execute($"alter database {new NpgsqlConnectionStringBuilder(Database).Database} set statement_timeout = '5s'");
        }

        await using (var direct = StoreDatabase.Open(Database))
            Assert.Equal(("5s", "10s"), await Limits(await direct.Pooled.OpenConnectionAsync()));

        // Behind a pooler (another address) sessions are shared with strangers.
        var pooler = new NpgsqlConnectionStringBuilder(Database) { Host = "localhost" }.ConnectionString;
        await using var pooled = StoreDatabase.Open(pooler, Database, prepareStatements: false);
        Assert.Equal(("5s", "0"), await Limits(await pooled.Pooled.OpenConnectionAsync()));

        static async Task<(string, string)> Limits(NpgsqlConnection opened)
        {
            await using var connection = opened;
            await using var command = new NpgsqlCommand("select current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')", connection);
            await using var row = await command.ExecuteReaderAsync();
            await row.ReadAsync();
            return (row.GetString(0), row.GetString(1));
        }
    }

    [Fact]
    public async Task Everything_works_without_prepared_statements()
    {
        await using (await Node.Start(Database))
        {
        }

        await using var database = StoreDatabase.Open(Database, prepareStatements: false);
        await using var node = Node.Create(Database, services =>
        {
            Node.Both(services);
            services.AddSingleton(database);
        });
        for (var at = 0; at < 4; at++)
            await node.Append("a", new AccountOpened("ada", null), new MoneyPaidIn(1));
        Assert.Equal(4L, await node.Value<long>("select balance from bank.mt_doc_account where id = 'a'"));
        await using var prepared = database.Pooled.CreateCommand("select count(*) from pg_prepared_statements");
        Assert.Equal(0L, await prepared.ExecuteScalarAsync());
    }
}
