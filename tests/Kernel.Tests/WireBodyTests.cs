using System.Text.Json;

namespace Modular.Kernel.Tests;

public sealed class WireBodyTests
{
    public static TheoryData<string, Action<WireBody>, string?> Messages => new()
    {
        { """{"email":"b@example.com"}""", body => { body.RequiredString("name"); body.RequiredEmail("email"); body.RequiredString("password"); },
            "[body.name] Invalid input: expected string, received undefined; [body.password] Invalid input: expected string, received undefined" },
        { """{"email":"not-an-email"}""", body => body.RequiredEmail("email"), "[body.email] Invalid email address" },
        { """{"email":7}""", body => body.RequiredEmail("email"), "[body.email] Invalid input: expected string, received number" },
        { """{"email":null}""", body => body.OptionalEmail("email"), "[body.email] Invalid input: expected string, received null" },
        { """{}""", body => body.OptionalEmail("email"), null },
        { """{"a":null}""", body => body.OptionalString("a"), "[body.a] Invalid input: expected string, received null" },
        { """{"a":null}""", body => body.NullableString("a"), null },
        { """{"a":true}""", body => body.NullableString("a"), "[body.a] Invalid input: expected string, received boolean" },
        { """{"a":"x"}""", body => body.OptionalBool("a"), "[body.a] Invalid input: expected boolean, received string" },
        { """{}""", body => body.RequiredBool("a"), "[body.a] Invalid input: expected boolean, received undefined" },
        { """{"a":"7"}""", body => body.OptionalNumber("a"), "[body.a] Invalid input: expected number, received string" },
        { """{"a":null}""", body => body.NullableNumber("a"), null },
        { """{"a":{}}""", body => body.OptionalStrings("a"), "[body.a] Invalid input: expected array, received object" },
        { """{"a":["x",1]}""", body => body.OptionalStrings("a"), "[body.a.1] Invalid input: expected string, received number" },
        { """{"a":[]}""", body => body.RequiredObject("a"), "[body.a] Invalid input: expected object, received array" },
        { """{"type":"no"}""", body => body.RequiredOneOf("type", "email-verification", "sign-in"), "[body.type] Invalid option: expected one of \"email-verification\"|\"sign-in\"" },
        { """{}""", body => body.RequiredOneOf("type", "a", "b"), "[body.type] Invalid option: expected one of \"a\"|\"b\"" },
        { """{}""", body => body.OptionalOneOf("type", "a", "b"), null },
        { """{"type":"b"}""", body => body.RequiredOneOf("type", "a"), "[body.type] Invalid input: expected \"a\"" },
        { """{"x":1,"y":2,"a":3}""", body => body.Only("a"), "[body] Unrecognized keys: \"x\", \"y\"" },
        { """{"x":1}""", body => body.Only("a"), "[body] Unrecognized key: \"x\"" },
        { """{"newPassword":""}""", body => body.Fail("newPassword", "newPassword cannot be empty"), "[body.newPassword] newPassword cannot be empty" },
        { """[1]""", body => body.RequiredString("a"), "[body] Invalid input: expected object, received array" },
        { """null""", body => body.RequiredString("a"), "[body] Invalid input: expected object, received null" },
        { "\"x\"", body => { body.OptionalBool("a"); body.Only(); }, "[body] Invalid input: expected object, received string" },
    };

    [Theory, MemberData(nameof(Messages))]
    public void Errors_are_told_in_the_words_of_the_contract(string json, Action<WireBody> read, string? message)
    {
        var body = new WireBody(JsonElement.Parse(json), "body");
        read(body);
        Assert.Equal(message, body.Refusal?.Message);
        if (message is not null)
            Assert.Equal((400, "VALIDATION_ERROR"), (body.Refusal!.Status, body.Refusal.Code));
    }

    [Fact]
    public void A_missing_body_is_undefined() =>
        Assert.Equal("[body] Invalid input: expected object, received undefined", new WireBody(default, "body").Refusal?.Message);

    [Fact]
    public void Absent_null_and_a_value_are_told_apart()
    {
        var body = new WireBody(JsonElement.Parse("""{"null":null,"text":"x"}"""), "body");
        Assert.Equal(new WireValue<string>(false, null), body.NullableString("absent"));
        Assert.Equal(new WireValue<string>(true, null), body.NullableString("null"));
        Assert.Equal(new WireValue<string>(true, "x"), body.NullableString("text"));
        Assert.Equal(new WireValue<double?>(false, null), body.NullableNumber("absent"));
        Assert.Null(body.Refusal);
    }

    [Fact]
    public void The_query_adds_its_errors_after_the_body()
    {
        var body = new WireBody(JsonElement.Parse("{}"), "body", "object", () => new WireBody(JsonElement.Parse("""{"token":["a","b"]}"""), "query"));
        body.RequiredString("password");
        body.Query.RequiredString("token");
        Assert.Equal(
            "[body.password] Invalid input: expected string, received undefined; [query.token] Invalid input: expected string, received array",
            body.Refusal?.Message);
    }

    [Theory]
    [InlineData("a@b.co", true)]
    [InlineData("Ann.O'Neil+tag@sub.example.com", true)]
    [InlineData("_a-b_@x-y.travel", true)]
    [InlineData("a@b", false)]
    [InlineData("a@b.c", false)]
    [InlineData(".a@b.co", false)]
    [InlineData("a.@b.co", false)]
    [InlineData("a..b@c.co", false)]
    [InlineData("a@-b.co", false)]
    [InlineData("a b@c.co", false)]
    [InlineData("ä@b.co", false)]
    [InlineData("a@b.co\n", false)]
    [InlineData("", false)]
    public void An_email_address_is_one_by_the_rule_of_the_contract(string text, bool isEmail) => Assert.Equal(isEmail, WireBody.IsEmail(text));
}
