using Npgsql;

namespace Modular.Identity.Tests;

/// <summary>The tables of an Auth.js application, as SQL sees them.</summary>
public sealed class AdapterViewsTests(AdapterApp app) : IClassFixture<AdapterApp>
{
    [Fact]
    public async Task Columns_have_the_names_and_types_of_drizzle()
    {
        var columns = await app.Sql("""
            select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
            where table_schema = 'authjs' order by table_name, ordinal_position
            """);
        Assert.Equal(
            [
                "account.userId text", "account.type text", "account.provider text", "account.providerAccountId text", "account.refresh_token text",
                "account.access_token text", "account.expires_at bigint", "account.token_type text", "account.scope text", "account.id_token text",
                "account.session_state text",
                "authenticator.credentialID text", "authenticator.userId text", "authenticator.providerAccountId text",
                "authenticator.credentialPublicKey text", "authenticator.counter bigint", "authenticator.credentialDeviceType text",
                "authenticator.credentialBackedUp boolean", "authenticator.transports text",
                "session.sessionToken text", "session.userId text", "session.expires timestamp without time zone",
                "user.id text", "user.name text", "user.email text", "user.emailVerified timestamp without time zone", "user.image text",
                "verificationToken.identifier text", "verificationToken.token text", "verificationToken.expires timestamp without time zone",
            ],
            columns.Select(column => (string)column[0]!));
    }

    [Fact]
    public async Task They_show_in_UTC_what_the_application_has_stored_and_no_secret()
    {
        var email = People.NewAddress();
        var id = await app.MadeUser(email, "2026-01-02T03:04:05.678Z");
        var token = Guid.NewGuid();
        await app.Call("create-session", new { sessionToken = token, userId = id, expires = DateTimeOffset.UtcNow.AddHours(1) });
        await app.Call("create-verification-token", new { identifier = email, token = "secret", expires = "2099-01-02T03:04:05.006Z" });
        Assert.Equal(
            [id, "Ada", email, new DateTime(2026, 1, 2, 3, 4, 5, 678), null],
            (await app.Sql("select * from authjs.\"user\" where id = $1", id))[0]);
        Assert.Equal([null, id, true], (await app.Sql(
            "select \"sessionToken\", \"userId\", expires between (now() at time zone 'UTC') and (now() at time zone 'UTC') + interval '1 hour' from authjs.session where \"userId\" = $1", id))[0]);
        Assert.Equal(
            [email, null, new DateTime(2099, 1, 2, 3, 4, 5, 6)],
            (await app.Sql("select identifier, token, expires from authjs.\"verificationToken\" where identifier = $1", email))[0]);
        Assert.Equal(0, await app.Count("select count(*) from authjs.session s where s::text like '%' || $1 || '%'", token.ToString()));
    }

    [Fact]
    public async Task People_of_our_own_surface_are_in_them_too_and_their_passwords_are_no_accounts()
    {
        var ada = await app.SignedUp();
        Assert.Equal(1, await app.Count("select count(*) from authjs.\"user\" where id = $1 and \"emailVerified\" is null", ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from authjs.session where \"userId\" = $1", ada.Id));
        Assert.Equal(0, await app.Count("select count(*) from authjs.account where \"userId\" = $1", ada.Id));
    }

    [Theory]
    [InlineData("user")]
    [InlineData("account")]
    [InlineData("session")]
    [InlineData("verificationToken")]
    [InlineData("authenticator")]
    public async Task Nothing_is_written_through_them(string view)
    {
        var failure = await Assert.ThrowsAsync<PostgresException>(() => app.Sql($"delete from authjs.\"{view}\""));
        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, failure.SqlState);
        await Assert.ThrowsAsync<PostgresException>(() => app.Sql($"insert into authjs.\"{view}\" default values"));
    }
}
