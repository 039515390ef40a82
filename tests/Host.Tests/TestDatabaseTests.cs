using Modular.Testing;
using Npgsql;

namespace Modular.Host.Tests;

public sealed class TestDatabaseTests
{
    [Fact]
    public async Task Each_is_empty_and_gone_when_disposed_even_with_a_transaction_open()
    {
        await using var one = await TestDatabase.CreateAsync();
        var two = await TestDatabase.CreateAsync();
        Assert.NotEqual(one.ConnectionString, two.ConnectionString);

        await using var open = new NpgsqlConnection(two.ConnectionString + ";Pooling=false");
        await open.OpenAsync();
        await using (var begin = new NpgsqlCommand("begin; create table t ()", open))
            await begin.ExecuteNonQueryAsync();
        await two.DisposeAsync();

        var name = new NpgsqlConnectionStringBuilder(two.ConnectionString).Database;
        Assert.Equal(0L, await CountAsync(one.ConnectionString, $"select count(*) from pg_database where datname = '{name}'"));
    }

    [Fact]
    public async Task A_server_of_its_own_knows_nothing_of_the_other_databases()
    {
        await using var own = await TestDatabase.CreateAsync(ownServer: true);
        await using var common = await TestDatabase.CreateAsync();

        var name = new NpgsqlConnectionStringBuilder(common.ConnectionString).Database;
        var isElsewhere = Environment.GetEnvironmentVariable("DATABASE_URL") is null
            && Environment.GetEnvironmentVariable("MODULAR_TEST_DATABASE_URL") is null;
        Assert.Equal(isElsewhere ? 0L : 1L, await CountAsync(own.ConnectionString, $"select count(*) from pg_database where datname = '{name}'"));
    }

    private static async Task<long> CountAsync(string connectionString, string query)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(query, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
