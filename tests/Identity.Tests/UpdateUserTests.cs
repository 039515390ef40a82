using System.Text.Json;
using Modular.Kernel;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class UpdateUserTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly User Ada = new("ada", "Ada", "ada@example.com", EmailVerified: true, "a.png", Noon, Noon, "user");

    private static UpdateUser.Command To(WireValue<string> name = default, WireValue<string> image = default) => new("ada", name, image);

    [Fact]
    public void A_new_name_leaves_the_image_alone()
    {
        var updated = UpdateUser.Decide(Ada, To(name: new(true, "Ada Lovelace")), Noon.AddHours(1))!;
        Assert.Equal(["name"], updated.Changed);
        Assert.Equal(Ada with { Name = "Ada Lovelace", UpdatedAt = Noon.AddHours(1) }, Ada.Apply(updated));
    }

    [Fact]
    public void An_image_is_cleared_by_null()
    {
        var updated = UpdateUser.Decide(Ada, To(image: new(true, null)), Noon.AddHours(1))!;
        Assert.Equal(["image"], updated.Changed);
        Assert.Equal(Ada with { Image = null, UpdatedAt = Noon.AddHours(1) }, Ada.Apply(updated));
    }

    [Fact]
    public void What_is_so_already_is_no_change() =>
        Assert.Null(UpdateUser.Decide(Ada, To(name: new(true, "Ada"), image: new(true, "a.png")), Noon));

    [Fact]
    public void An_event_of_somebody_erased_still_loads()
    {
        var erased = User.Create(new UserRegistered("ada", null, null, null, false, "user", Noon));
        Assert.Equal(("", "", null), (erased.Name, erased.Email, erased.Image));
        Assert.Equal("", erased.Apply(new UserUpdated("ada", ["name"], null, null, Noon)).Name);
    }
}

public sealed class UpdateUserOverHttp(App app) : IClassFixture<App>
{
    [Fact]
    public async Task A_change_is_seen_at_once_everywhere()
    {
        var ada = await app.SignedUp(("image", "https://example.com/a.png"));
        var result = await Update(ada, new { name = "Ada Lovelace", image = (string?)null });
        Assert.Equal("""{"status":true}""", result.Body);
        Assert.Contains("Max-Age=28800", Assert.Single(result.OwnCookies), StringComparison.Ordinal);

        var user = (await app.Scenario(_ => _.As(ada.Browser).Get.Url("/api/auth/get-session"))).Json().GetProperty("user");
        Assert.Equal(("Ada Lovelace", null), (user.GetProperty("name").GetString(), user.GetProperty("image").GetString()));
        Assert.Equal(
            ["Ada Lovelace", "Ada Lovelace", null, true],
            (await app.Sql("select name, raw_json ->> 'name', raw_json ->> 'image', updated_at > created_at from neon_auth.users_sync where id = $1", ada.Id))[0]);
    }

    [Fact]
    public async Task It_is_an_event_by_and_about_the_user_with_the_values_hidden()
    {
        var ada = await app.SignedUp();
        await Update(ada, new { name = "Ada Lovelace" });
        var entry = JsonDocument.Parse((string)(await app.Sql(
            "select convert_from(canonical, 'UTF8') from identity.mt_events where stream_id = $1 and type = 'user.updated.1'", ada.Id))[0][0]!).RootElement;
        Assert.Equal((ada.Id, ada.Id), (entry.GetProperty("actor").GetString(), entry.GetProperty("subject").GetString()));
        Assert.Equal("""["name"]""", entry.GetProperty("data").GetProperty("changed").GetRawText());
        Assert.DoesNotContain("Lovelace", entry.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Repeating_a_change_changes_nothing()
    {
        var ada = await app.SignedUp();
        await Update(ada, new { name = "Ada Lovelace" });
        await Update(ada, new { name = "Ada Lovelace" });
        Assert.Equal(["user.registered.1", "user.updated.1"], await app.EventsOf(ada.Id));
    }

    [Fact]
    public async Task A_session_that_is_not_remembered_stays_so()
    {
        var ada = await app.SignedUp(("rememberMe", false));
        var result = await Update(ada, new { name = "Ada Lovelace" });
        Assert.Equal(2, result.OwnCookies.Count);
        Assert.All(result.OwnCookies, cookie => Assert.DoesNotContain("Max-Age", cookie, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{}""", """{"message":"No fields to update"}""")]
    [InlineData("""{"foo":1}""", """{"message":"No fields to update"}""")]
    [InlineData("""{"emailVerified":true}""", """{"message":"No fields to update"}""")]
    [InlineData("""{"email":"x@y.co","name":"M"}""", """{"message":"Email can not be updated","code":"EMAIL_CAN_NOT_BE_UPDATED"}""")]
    [InlineData("""{"role":"admin","name":"M"}""", """{"message":"role is not allowed to be set","code":"FIELD_NOT_ALLOWED"}""")]
    [InlineData("""{"name":1}""", """{"message":"[body.name] Invalid input: expected string, received number","code":"VALIDATION_ERROR"}""")]
    [InlineData("""{"name":null}""", """{"message":"[body.name] Invalid input: expected string, received null","code":"VALIDATION_ERROR"}""")]
    [InlineData("""[1]""", """{"message":"[body] Invalid input: expected record, received array","code":"VALIDATION_ERROR"}""")]
    public async Task A_wrong_request_is_400_and_changes_nothing(string body, string answer)
    {
        var ada = await app.SignedUp();
        var result = await app.Scenario(_ =>
        {
            _.As(ada.Browser).Post.RawJson(body).ToUrl("/api/auth/update-user");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(answer, result.Body);
        Assert.Equal(["user.registered.1"], await app.EventsOf(ada.Id));
    }

    [Fact]
    public async Task Nobody_is_401_but_a_wrong_body_comes_first()
    {
        Assert.Equal("""{"message":"Unauthorized","code":"UNAUTHORIZED"}""", (await app.Post("/api/auth/update-user", [], 401)).Body);
        await app.Scenario(_ =>
        {
            _.Post.RawJson("[1]").ToUrl("/api/auth/update-user");
            _.StatusCodeShouldBe(400);
        });
    }

    [Fact]
    public async Task Changes_at_the_same_moment_all_succeed_or_say_conflict()
    {
        var ada = await app.SignedUp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => app.Scenario(_ =>
        {
            _.As(ada.Browser).Post.Json(new { name = $"Ada {i}" }).ToUrl("/api/auth/update-user");
            _.IgnoreStatusCode();
        })));
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 409, answer.Body));
        Assert.Equal(1 + answers.Count(answer => answer.Status == 200), (await app.EventsOf(ada.Id)).Count);
    }

    private Task<ScenarioResult> Update(Person person, object change) =>
        app.Scenario(_ => _.As(person.Browser).Post.Json(change).ToUrl("/api/auth/update-user"));
}
