using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Modular.Identity.Contracts;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ImportUsersTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Of_two_imports_of_the_same_source_at_once_one_gives_way_and_nobody_comes_twice()
    {
        var other = await app.AnotherNode();
        try
        {
            var chunk = Chunk("twice", null, isLast: true, "tw1", "tw2");
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(async at =>
            {
                try
                {
                    return (await Import(at % 2 == 0 ? app : other, chunk)).Users;
                }
                catch (ConcurrencyException)
                {
                    return -1;
                }
            }));
            Assert.Equal(2, outcomes.Where(users => users > 0).Sum());
        }
        finally
        {
            await other.DisposeAsync();
        }

        Assert.Equal(["user.registered.1"], await app.EventsOf("tw1"));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'tw2'"));
    }

    [Fact]
    public async Task A_chunk_counts_only_after_the_one_before_it()
    {
        await Import(app, Chunk("order", null, isLast: false, "or1"));
        await Assert.ThrowsAnyAsync<ConcurrencyException>(() => Import(app, Chunk("order", "or7", isLast: false, "or8")));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_user where id = 'or8'"));
        var done = await Import(app, Chunk("order", "or1", isLast: true, "or2"));
        Assert.Equal(1, done.Users);
        await using var scope = app.Services.CreateAsyncScope();
        var progress = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new Contracts.FindImport("order"));
        Assert.Equal(("or2", true, 2), (progress!.After, progress.IsDone, progress.SoFar.Users));
    }

    [Fact]
    public async Task An_address_that_somebody_registers_meanwhile_is_theirs()
    {
        var ada = await app.SignedUp();
        var row = $$"""{"id":"late","name":"Late","email":"{{ada.Email}}","emailVerified":true}""";
        var done = await Import(app, new Contracts.ImportUsers("better-auth", "late", null, [new("late", row, [], [])], IsLast: true, IsDryRun: false));
        Assert.Equal([new("late", "user", "address_taken")], done.Problems);
        await app.SignIn(ada.Email);
    }

    [Fact]
    public async Task Who_was_deleted_at_Clerk_before_is_not_taken_from_an_export()
    {
        await app.Sql("insert into identity.clerk_users values ('user_gone', 0, 0, true, 1)");
        var done = await Import(app, new Contracts.ImportUsers(
            "clerk", "gone", null, [new("user_gone", """{"id":"user_gone","primary_email_address":"gone@example.com"}""", [], [])], IsLast: true, IsDryRun: false));
        Assert.Equal([new("user_gone", "user", "deleted_here")], done.Problems);
    }

    private static Contracts.ImportUsers Chunk(string run, string? after, bool isLast, params string[] ids) => new(
        "better-auth", run, after, [.. ids.Select(id => new SourceUser(id, $$"""{"id":"{{id}}","name":"N","email":"{{id}}@example.com"}""", [], []))], isLast, IsDryRun: false);

    private static async Task<ImportedUsers> Import(App node, Contracts.ImportUsers chunk)
    {
        await using var scope = node.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(chunk);
    }
}

public sealed class ImportReadingTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly ProvidersOptions Providers = new();

    [Theory]
    [InlineData("""{"t":"2024-01-02T03:04:05"}""", "2024-01-02T03:04:05Z")]
    [InlineData("""{"t":"2024-01-02T03:04:05+02:00"}""", "2024-01-02T01:04:05Z")]
    [InlineData("""{"t":"2024-01-02 03:04:05.678"}""", "2024-01-02T03:04:05.678Z")]
    [InlineData("""{"t":1704164645}""", "2024-01-02T03:04:05Z")]
    [InlineData("""{"t":1704164645678}""", "2024-01-02T03:04:05.678Z")]
    [InlineData("""{"t":"1704164645678"}""", "2024-01-02T03:04:05.678Z")]
    [InlineData("""{"t":"yesterday"}""", null)]
    [InlineData("""{"t":null}""", null)]
    public void A_time_is_read_however_it_was_written(string row, string? time) =>
        Assert.Equal(time is null ? null : DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture), ImportRow.Read(row)!.Time("t"));

    [Fact]
    public void Columns_are_found_in_either_spelling()
    {
        foreach (var row in (string[])["""{"emailVerified":true,"created_at":1}""", """{"email_verified":"t","createdAt":"1"}"""])
            Assert.Equal((true, DateTimeOffset.UnixEpoch.AddSeconds(1)), (ImportRow.Read(row)!.Flag("emailVerified"), ImportRow.Read(row)!.Time("createdAt")));
    }

    [Theory]
    [InlineData("nanoid_A-1", "{}", null)]
    [InlineData("account:1", "{}", "malformed_id")]
    [InlineData("", "{}", "malformed_id")]
    [InlineData("u1", "[]", "malformed")]
    [InlineData("u1", "{", "malformed")]
    [InlineData("u1", """{"email":"none"}""", "malformed_address")]
    public void Who_is_nobody_is_said(string id, string row, string? problem) =>
        Assert.Equal(problem, ImportReading.Read(ImportReading.BetterAuth, new(id, row, [], []), Providers, Noon).Problem);

    [Fact]
    public void A_user_who_had_to_show_a_second_factor_comes_without_a_password()
    {
        const string Hash = "000102030405060708090a0b0c0d0e0f:1ed8675e3ed33a9a1516d58d259e92636e3cffdef15736f5f45d60744930fd6360fc013eaca990edf470150429dd2c6ab253de43b86af1afa91beea5ecf756f6";
        var account = $$"""{"providerId":"credential","accountId":"u1","password":"{{Hash}}"}""";
        Assert.Equal(Hash, Person("""{"email":"a@example.com"}""", account).PasswordHash);
        var guarded = Person("""{"email":"a@example.com","two_factor_enabled":true}""", account);
        Assert.Null(guarded.PasswordHash);
        Assert.Equal([new("u1", "password", "second_factor")], guarded.Problems);
        Assert.Equal([new("u1", "password", "not_verifiable")], Person("{}", """{"providerId":"credential","password":"$2b$10$x"}""").Problems);
    }

    [Fact]
    public void An_account_is_found_again_by_the_issuer_that_signing_in_will_name()
    {
        var configured = new ProvidersOptions();
        configured.All["keycloak"] = new ProviderOptions { Issuer = "https://kc.example.com/realms/a" };
        Assert.Equal("https://accounts.google.com", ImportIssuer.Of("google", null, Providers));
        Assert.Equal("local:oauth:github", ImportIssuer.Of("github", null, Providers));
        Assert.Equal("https://kc.example.com/realms/a", ImportIssuer.Of("keycloak", null, configured));
        Assert.Equal("local:oauth:keycloak", ImportIssuer.Of("keycloak", "no.token", Providers));
        Assert.Equal("https://kc.example.com/realms/b", ImportIssuer.Of("keycloak", "e30.eyJpc3MiOiJodHRwczovL2tjLmV4YW1wbGUuY29tL3JlYWxtcy9iIn0.x", Providers));
    }

    [Fact]
    public void A_session_of_an_impersonation_ends_with_the_move()
    {
        var (person, _) = ImportReading.Read(
            ImportReading.BetterAuth,
            new("u1", "{}", [], ["""{"token":"a-token-of-an-administrator","expiresAt":"2026-02-01","impersonatedBy":"root"}""", """{"token":"short","expiresAt":"2026-02-01"}"""]), Providers, Noon);
        Assert.Empty(person!.Sessions);
        Assert.Equal([new("u1", "session", "impersonation"), new("u1", "session", "malformed")], person.Problems);
    }

    private static ImportedPerson Person(string row, string account) => ImportReading.Read(ImportReading.BetterAuth, new("u1", row, [account], []), Providers, Noon).Person!;
}
