namespace Modular.Identity.Tests;

public sealed class ListUsersTests(AdminApp app) : IClassFixture<AdminApp>
{
    [Fact]
    public async Task Users_are_searched_filtered_sorted_and_paged()
    {
        var root = await app.Root();
        foreach (var name in (string[])["Lister A", "Lister B", "Lister C_1"])
            await app.SignedUp(("name", name), ("email", $"{name[^1]}{Guid.NewGuid():N}@listed.example.com"));

        async Task<(string Names, long Total)> List(string query)
        {
            var answer = (await app.Look(root, $"list-users?{query}")).Json();
            return (string.Join(',', answer.GetProperty("users").EnumerateArray().Select(user => user.GetProperty("name").GetString())), answer.GetProperty("total").GetInt64());
        }

        Assert.Equal(("Lister A,Lister B,Lister C_1", 3), await List("searchValue=lister&searchField=name"));
        Assert.Equal(("Lister C_1,Lister B", 3), await List("searchValue=Lister&searchField=name&sortBy=name&sortDirection=desc&limit=2"));
        Assert.Equal(("Lister B", 3), await List("searchValue=Lister&searchField=name&sortBy=createdAt&limit=1&offset=1"));
        Assert.Equal(("", 3), await List("searchValue=Lister&searchField=name&offset=9"));
        Assert.Equal(("Lister C_1", 1), await List("searchValue=C_&searchField=name"));
        Assert.Equal(("", 0), await List("searchValue=%25&searchField=name"));
        Assert.Equal(("Lister A,Lister B,Lister C_1", 3), await List("searchValue=@LISTED.example.com&searchOperator=ends_with"));
        Assert.Equal(("Lister A", 1), await List("searchValue=a&searchOperator=starts_with&filterField=name&filterOperator=starts_with&filterValue=Lister"));
        Assert.Equal(("Administrator", 1), await List("filterField=role&filterValue=admin"));
        Assert.Equal(("Lister A,Lister B", 2), await List("filterField=name&filterOperator=in&filterValue=Lister%20A&filterValue=Lister%20B"));
        Assert.Equal(("Lister A", 1), await List("filterField=name&filterOperator=in&filterValue=Lister%20A"));
        Assert.Equal(("Administrator", 1), await List("filterField=emailVerified&filterValue=true"));
        Assert.Equal(("", 0), await List("filterField=createdAt&filterOperator=gt&filterValue=2999-01-01T00:00:00.000Z"));
        foreach (var unknown in (string[])["sortBy=nope", "filterField=password&filterValue=x", "sortBy=id;drop%20table%20x", "limit=-1", "filterField=banned&filterOperator=contains&filterValue=t", "filterField=createdAt&filterValue=x"])
            Assert.Equal("""{"users":[],"total":0}""", (await app.Look(root, $"list-users?{unknown}")).Body);
        Assert.Equal(
            """{"message":"[query.searchOperator] Invalid option: expected one of \"contains\"|\"starts_with\"|\"ends_with\"","code":"VALIDATION_ERROR"}""",
            (await app.Look(root, "list-users?searchValue=a&searchOperator=like", 400)).Body);
        Assert.EndsWith("\"limit\":2,\"offset\":1}", (await app.Look(root, "list-users?limit=2&offset=1")).Body, StringComparison.Ordinal);
        await app.Look(root, "list-users?filterValue=%27%20or%201%3D1--");
        Assert.Equal(root.Id, (await app.Look(root, $"get-user?id={root.Id}")).Json().GetProperty("id").GetString());
        Assert.Equal("USER_NOT_FOUND", (await app.Look(root, "get-user?id=nope", 404)).Code());
    }

    [Theory]
    [InlineData("eq")]
    [InlineData("ne")]
    [InlineData("lt")]
    [InlineData("lte")]
    [InlineData("gt")]
    [InlineData("gte")]
    [InlineData("in")]
    [InlineData("not_in")]
    [InlineData("contains")]
    public async Task Every_operator_runs_on_every_column(string comparison)
    {
        var root = await app.Root();
        foreach (var column in (string[])["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt", "role", "banned", "banReason", "banExpires", "twoFactorEnabled", "username", "displayUsername", "isAnonymous"])
            await app.Look(root, $"list-users?filterField={column}&filterOperator={comparison}&filterValue=2020-01-01&sortBy={column}");
    }
}
