using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Modular.Host.Database;
using Modular.Store;
using Modular.Testing;
using Npgsql;

namespace Modular.Host.Tests;

/// <summary>With a real PgBouncer, as Debian packages it.</summary>
public sealed class PoolerTests : IAsyncLifetime
{
    private TestDatabase? _database;

    private string Direct => _database!.ConnectionString;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database!.DisposeAsync();

    [Fact]
    public async Task PostgreSQL_itself_is_recognized_and_keeps_statements()
    {
        var address = Address(("DATABASE_URL", Direct));
        var decided = await Preparing.Decide(Configuration(), address, await address.EnsureDirect(default));

        Assert.True(decided.IsOn, decided.Why);
    }

    [FactWithPgBouncer]
    public async Task A_pooler_that_comes_between_later_is_noticed_before_a_statement_is_prepared_on_it()
    {
        using var pooler = Pooler.StartFor(Direct);
        await using var gate = new Gate(Direct);
        await using var store = StoreDatabase.Open(gate.Through(Direct), Direct, onlyWithoutPooler: true, patience: TimeSpan.FromSeconds(5));
        await Ask();
        Assert.True(store.Pooled.PreparesStatements);
        gate.LeadTo(pooler.To(Direct));
        gate.Cut();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Ask()));

        Assert.False(store.Pooled.PreparesStatements);

        async Task Ask()
        {
            for (var time = 0; time < 10; time++)
            {
                await using var command = store.Pooled.CreateCommand($"select {time}");
                Assert.Equal(time, await command.ExecuteScalarAsync());
            }
        }
    }

    [TheoryWithPgBouncer]
    [InlineData("server_round_robin = 0")]
    [InlineData("server_round_robin = 1")]
    [InlineData("default_pool_size = 1")]
    [InlineData("pool_mode = session")]
    public async Task No_pooler_that_forgets_statements_is_believed_to_keep_them(string setting)
    {
        using var pooler = Pooler.StartFor(Direct, setting);
        await Warm(pooler);
        for (var start = 0; start < 10; start++)
        {
            var decided = await Preparing.Decide(Configuration(), Address(("DATABASE_URL", pooler.To(Direct)), ("DATABASE_URL_UNPOOLED", Direct)), Between.Nothing);

            Assert.False(decided.IsOn, decided.Why);
        }

        // Nothing of the asking stays where others may meet it.
        await using var source = NpgsqlDataSource.Create(pooler.To(Direct));
        await using var left = source.CreateCommand("select count(*) from pg_prepared_statements");
        Assert.Equal(0L, await left.ExecuteScalarAsync());
    }

    [TheoryWithPgBouncer]
    [InlineData("DATABASE_URL", "server_round_robin = 0", "DATABASE_URL leads to a transaction pooler, which loses notifications and locks: set DATABASE_URL_UNPOOLED to the address of the database itself beside it.")]
    [InlineData("DATABASE_URL", "server_round_robin = 1", "DATABASE_URL leads to a transaction pooler, which loses notifications and locks: set DATABASE_URL_UNPOOLED to the address of the database itself beside it.")]
    [InlineData("POSTGRES_URL_NON_POOLING", "server_round_robin = 1", "POSTGRES_URL_NON_POOLING leads to a transaction pooler, which loses notifications and locks: set DATABASE_URL_UNPOOLED to the address of the database itself beside it.")]
    public async Task A_transaction_pooler_alone_is_refused_in_one_sentence(string key, string setting, string sentence)
    {
        using var pooler = Pooler.StartFor(Direct, setting);
        await Warm(pooler);

        var refused = await Assert.ThrowsAsync<DatabaseSetupException>(() => Address((key, pooler.To(Direct))).EnsureDirect(default));

        Assert.Equal(sentence, refused.Message);
    }

    [FactWithPgBouncer]
    public async Task A_session_pooler_alone_will_do()
    {
        using var pooler = Pooler.StartFor(Direct, "pool_mode = session");

        await Address(("DATABASE_URL", pooler.To(Direct))).EnsureDirect(default);
    }

    [FactWithPgBouncer]
    public async Task A_pair_that_is_the_wrong_way_round_is_refused()
    {
        using var pooler = Pooler.StartFor(Direct);

        var refused = await Assert.ThrowsAsync<DatabaseSetupException>(
            () => Address(("DATABASE_URL", Direct), ("DATABASE_URL_UNPOOLED", pooler.To(Direct))).EnsureDirect(default));

        Assert.Equal("DATABASE_URL_UNPOOLED leads to a transaction pooler, which loses notifications and locks: set it to the address of the database itself.", refused.Message);
    }

    [FactWithPgBouncer]
    public async Task Prepared_statements_that_are_gone_break_nobody()
    {
        using var pooler = Pooler.StartFor(Direct);
        var said = new ConcurrentQueue<string>();
        // As if somebody had said that they are kept: then it is the errors that show they are not.
        await using var store = StoreDatabase.Open(pooler.To(Direct), Direct, prepareStatements: true);
        store.LogTo(said.Enqueue);
        await using (var make = store.Direct.CreateCommand("create table numbers (id serial, number int)"))
            await make.ExecuteNonQueryAsync();

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async worker =>
        {
            for (var at = 0; at < 20; at++)
            {
                // Of many shapes, so that each server connection gets names for other statements than the next.
                await using var insert = store.Pooled.CreateCommand($"insert into numbers (number) select $1 /* {(worker + at) % 5} */");
                insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = at });
                Assert.Equal(1, await insert.ExecuteNonQueryAsync());
                await using var read = store.Pooled.CreateCommand($"select $1 + {at % 7}");
                read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = worker });
                Assert.Equal(worker + (at % 7), await read.ExecuteScalarAsync());
            }
        }));

        await using var count = store.Pooled.CreateCommand("select count(*) from numbers");
        Assert.Equal(320L, await count.ExecuteScalarAsync());
        Assert.False(store.Pooled.PreparesStatements);
        Assert.Contains("Statements are no longer prepared", Assert.Single(said), StringComparison.Ordinal);
    }

    [FactWithPgBouncer]
    public async Task A_server_starts_and_serves_through_it_and_says_so_in_one_line()
    {
        using var pooler = Pooler.StartFor(Direct);
        await using var host = await HostProcess.StartAsync(
            Direct, $"--DATABASE_URL={pooler.To(Direct)}", $"--DATABASE_URL_UNPOOLED={Direct}", "--Logging:LogLevel:Modular.Host=Information");

        using var client = new HttpClient();
        Assert.Equal("null", await client.GetStringAsync(new Uri($"{host.Url}/api/auth/get-session")));
        Assert.Single(host.Log.Split('\n'), line => line.Contains("Statements are not prepared", StringComparison.Ordinal));
    }

    // Several server connections that rest, as behind a pooler in use: a naive question would meet the same one by luck.
    private async Task Warm(Pooler pooler)
    {
        await using var source = NpgsqlDataSource.Create(pooler.To(Direct));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            await using var command = source.CreateCommand("select pg_sleep(0.1)");
            await command.ExecuteNonQueryAsync();
        }));
    }

    private static DatabaseAddress Address(params (string Key, string Value)[] settings) =>
        DatabaseAddress.FromConfiguration(Configuration(settings))!;

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
        .Build();
}
