using System.Text.Json;
using Modular.Store;

namespace Modular.Sessions.Tests;

public sealed class SessionTests
{
    private static readonly DateTimeOffset Noon = Some.Noon;

    private static readonly SessionStarted Started = new(
        "5e55", "ada", Some.Token.HashText, "handle", true, "password", Noon.AddHours(8), "203.0.113.7", "Laptop/1", Noon);

    [Fact]
    public void Starting_makes_the_session() => Assert.Equal(Some.Session, Session.Create(Started));

    [Fact]
    public void Refreshing_moves_its_end_and_nothing_else() =>
        Assert.Equal(
            Some.Session with { UpdatedAt = Noon.AddHours(2), ExpiresAt = Noon.AddHours(10) },
            Some.Session.Apply(new SessionRefreshed("5e55", "ada", Noon.AddHours(10), Noon.AddHours(2))));

    [Fact]
    public void Every_end_takes_the_row_away()
    {
        Assert.True(Some.Session.ShouldDelete(new SessionRevoked("5e55", "ada", "revoked_by_user", Noon)));
        Assert.True(Some.Session.ShouldDelete(new SessionSignedOut("5e55", "ada", Noon)));
        Assert.True(Some.Session.ShouldDelete(new SessionExpired("5e55", "ada", Noon, Noon)));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(8 * 3600 - 1, false)]
    [InlineData(8 * 3600, true)]
    public void It_is_over_from_its_expiry_on(int seconds, bool over) => Assert.Equal(over, Some.Session.IsOver(Noon.AddSeconds(seconds)));

    [Theory]
    [InlineData(24 * 3600, true)]
    [InlineData((24 * 3600) + 1, false)]
    public void It_is_fresh_for_a_day(int seconds, bool fresh) => Assert.Equal(fresh, Some.Session.IsFresh(Noon.AddSeconds(seconds)));

    // As they are stored since the first release. A change here is a new revision and an upcaster, not an edit.
    [Theory]
    [InlineData(typeof(SessionStarted), """{"sessionId":"5e55","userId":"ada","tokenHash":"h","handle":"n","remember":true,"method":"password","expiresAt":"2026-01-01T20:00:00+00:00","ipAddress":"203.0.113.7","userAgent":"Laptop/1","at":"2026-01-01T12:00:00+00:00"}""")]
    [InlineData(typeof(SessionRefreshed), """{"sessionId":"5e55","userId":"ada","expiresAt":"2026-01-01T20:00:00+00:00","at":"2026-01-01T12:00:00+00:00"}""")]
    [InlineData(typeof(SessionRevoked), """{"sessionId":"5e55","userId":"ada","reason":"revoked_by_user","at":"2026-01-01T12:00:00+00:00"}""")]
    [InlineData(typeof(SessionSignedOut), """{"sessionId":"5e55","userId":"ada","at":"2026-01-01T12:00:00+00:00"}""")]
    [InlineData(typeof(SessionExpired), """{"sessionId":"5e55","userId":"ada","expiredAt":"2026-01-01T12:00:00+00:00","at":"2026-01-01T12:00:00+00:00"}""")]
    [InlineData(typeof(SessionAccessRefused), """{"sessionId":"5e55","userId":"ada","act":"list_sessions","reason":"session_not_fresh","at":"2026-01-01T12:00:00+00:00"}""")]
    public void An_event_of_the_first_release_still_loads(Type type, string stored) =>
        Assert.Equal(stored, JsonSerializer.Serialize(JsonSerializer.Deserialize(stored, type, StoreJson.Options), type, StoreJson.Options));
}
