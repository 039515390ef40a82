using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Modular.Host.Metrics;
using Modular.Testing;
using Npgsql;

namespace Modular.Host.Tests;

/// <summary>What docs/operations.md tells an operator to type is right.</summary>
public sealed partial class OperationsPageTests
{
    [Fact]
    public async Task Its_queries_run_and_its_metrics_are_measured()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "operations.md"));
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await RunningHost.Start(database.ConnectionString);
        await host.SignUp("ada@example.com", "four unlikely words 1");
        await host.Settled();

        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        var statements = Sql().Matches(page).SelectMany(block => block.Groups[1].Value.Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToList();
        Assert.True(statements.Count >= 8);
        foreach (var statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }

        var measured = host.Services.GetRequiredService<MetricsCollector>().Names.ToHashSet();
        var named = Metric().Matches(page).Select(match => Part().Replace(match.Value, "")).Distinct().ToList();
        Assert.True(named.Count >= 25);
        Assert.Empty(named.Except(measured));
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Modular.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex("```sql\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sql();

    [GeneratedRegex(@"\b(?:http_server|modular|db_client|dotnet)_[a-z_]+")]
    private static partial Regex Metric();

    [GeneratedRegex("_(?:bucket|count|sum)$(?<!connection_count)")]
    private static partial Regex Part();
}
