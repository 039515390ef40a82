using Modular.Architecture.Planted;
using Modular.Kernel;

namespace Modular.Architecture;

/// <summary>Each rule, shown to fail on what it forbids and to pass on what it allows.</summary>
public sealed class PlantedViolations
{
    private static readonly string[] Schemas = ["identity", "sessions", "profiles", "audit", "store", "messaging"];

    [Fact]
    public void A_reference_that_nothing_uses_is_found_in_the_project_file()
    {
        const string Project = """
            <Project><ItemGroup>
              <ProjectReference Include="../../../Kernel/Modular.Kernel/Modular.Kernel.csproj" />
              <ProjectReference Include="../../Identity/Identity.Contracts/Identity.Contracts.csproj" />
              <ProjectReference Include="..\..\Identity\Identity\Identity.csproj" />
            </ItemGroup></Project>
            """;
        Assert.Equal(["Identity"], Rules.ReferencesBeyondContracts(Solution.ProjectReferences("/", Project), ["Identity", "Sessions"]));
    }

    [Fact]
    public void A_reference_by_pattern_is_resolved()
    {
        const string Project = """<Project><ItemGroup><ProjectReference Include="../../*/*/*.csproj" /></ItemGroup></Project>""";
        var references = Solution.ProjectReferences(Solution.CoreFolder(Solution.Modules[0]), Project);
        Assert.Equal(Solution.Modules, Rules.ReferencesBeyondContracts(references, Solution.Modules).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_public_record_in_a_module_is_found() => Assert.Equal(
        ["Modular.Architecture.Planted.ShownRecord is public"],
        Rules.ShownBesideModule("Planted", [typeof(PlantedModule), typeof(ShownRecord)]));

    [Fact]
    public void A_module_without_its_type_is_found() => Assert.Equal(
        ["Modular.Architecture.Planted.PlantedModule is public", "there is no sealed OtherModule : IModule"],
        Rules.ShownBesideModule("Other", [typeof(PlantedModule)]));

    [Fact]
    public void What_is_no_fact_is_found_among_contracts() => Assert.Equal(
        [
            "Modular.Architecture.Planted.SettableClass is neither an enum nor a sealed, immutable record",
            "Modular.Architecture.Planted.OpenRecord is neither an enum nor a sealed, immutable record",
            "Modular.Architecture.Planted.SettableRecord is neither an enum nor a sealed, immutable record",
        ],
        Rules.NoPlainFacts(
            [typeof(SettableClass), typeof(OpenRecord), typeof(SettableRecord), typeof(ShownRecord), typeof(Kind)]));

    [Fact]
    public void A_slice_that_sends_another_ones_command_is_found() => Assert.Equal(
        ["PlantedReach -> PlantedTarget"],
        Rules.ReachesBetween(Rules.Slices(Binary.Family(typeof(PlantedReach)).Concat(Binary.Family(typeof(PlantedTarget))))));

    [Fact]
    public void A_slice_in_a_file_of_another_name_is_found() =>
        Assert.Equal(["PlantedReach"], Rules.SlicesElsewhere([typeof(PlantedReach), typeof(PlantedTarget)], ["PlantedTarget", "Helpers"]));

    [Fact]
    public void Time_and_chance_that_are_taken_are_found() => Assert.Equal(
        [
            "PlantedClock calls System.DateTimeOffset.get_UtcNow/0",
            "PlantedClock calls System.Guid.CreateVersion7/0",
            "PlantedClock calls System.Guid.NewGuid/0",
        ],
        Rules.TimeTaken([typeof(PlantedClock), typeof(PlantedAsking)]).Order(StringComparer.Ordinal));

    [Fact]
    public void A_clock_read_in_the_kernel_is_found() => Assert.Equal(
        ["PlantedClock calls System.DateTimeOffset.get_UtcNow/0"],
        Rules.ClockRead([typeof(PlantedClock), typeof(PlantedAsking)]));

    [Fact]
    public void A_kernel_type_that_one_module_uses_is_found()
    {
        // This assembly plays the only module that uses IModule; there is no Host and no other kernel type.
        var here = typeof(PlantedViolations).Assembly;
        Assert.Equal(
            [typeof(IModule).FullName],
            Rules.Lonely([typeof(IModule)], [typeof(IModule), typeof(ModuleExtensions)], typeof(ModuleExtensions), [here], typeof(string).Assembly));
        Assert.Empty(Rules.Lonely([typeof(IModule)], [typeof(IModule)], typeof(ModuleExtensions), [here, here], typeof(string).Assembly));
        Assert.Empty(Rules.Lonely([typeof(IModule)], [typeof(IModule)], typeof(ModuleExtensions), [], Solution.Host));
    }

    [Theory]
    [InlineData("Profiles", "db.Query(\"select name from identity.users where id = $1\");", "identity.users")]
    [InlineData("Profiles", "var sql = $\"\"\"\n  insert into {schema}.x\n  select 1 from {identity}.session_principal\n  \"\"\";", "identity.session_principal")]
    [InlineData("Sessions", "const string Sql = @\"update identity.\"\"users\"\" set a = 1\";", "identity.")]
    [InlineData("Audit", "\"delete from store.subject_keys where subject = ?\"", "store.subject_keys")]
    [InlineData("Sessions", "\"select 1 from neon_auth.users_sync\"", "neon_auth.users_sync")]
    public void SQL_in_another_modules_schema_is_found(string module, string code, string named)
    {
        var found = Assert.Single(Rules.ForeignSchemas(module, new SourceFile("X.cs", code), Schemas));
        Assert.EndsWith($" names {named}", found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Sessions", "\"select p.id from identity.session_principal p join sessions.mt_doc_session s on true\"")]
    [InlineData("Identity", "\"insert into {neon_auth}.users_sync (id) values (?)\"")]
    [InlineData("Profiles", "// reads from identity.users\nvar text = \"nothing\";")]
    [InlineData("Profiles", "store.Events.MapEventType<X>(\"profiles.updated.1\"); store.DeleteFrom(identity.Users);")]
    [InlineData("Profiles", "\"select data from {schema}.mt_doc_profile where my_identity.x = 1\"")]
    public void SQL_in_ones_own_schema_or_by_contract_is_fine(string module, string code) =>
        Assert.Empty(Rules.ForeignSchemas(module, new SourceFile("X.cs", code), Schemas));

    [Theory]
    [InlineData("try { } catch (Exception) { }", 1)]
    [InlineData("try { }\ncatch (System.Exception e) when (!stopping) { Log(e); }", 2)]
    [InlineData("try { }\ncatch (Exception e) when (e is not IOException) { throw; Log(e); }", 2)]
    [InlineData("try { } catch\n{ if (x) { throw; } }", 1)]
    public void A_catch_of_everything_is_found(string code, int line) =>
        Assert.Equal([$"X.cs:{line}"], Rules.CatchAlls(new SourceFile("X.cs", code)));

    [Theory]
    [InlineData("// catch (Exception)\ntry { } catch (ConcurrencyException) { throw new(\"catch (Exception)\"); }")]
    [InlineData("try { } catch (Exception e) when (e is DbException or TimeoutException) { Log(e); }")]
    [InlineData("try { } catch { if (x) { Tidy(); } throw; }")]
    public void A_catch_of_something_known_is_fine(string code) => Assert.Empty(Rules.CatchAlls(new SourceFile("X.cs", code)));

    [Fact]
    public void A_name_that_says_nothing_is_found() => Assert.Equal(
        ["Modular.Sessions.SessionService", "src/Kernel/Common/Text.cs", "Modular.Identity.UserDto"],
        Rules.BannedIn(
        [
            "Modular.Sessions.SessionService", "src/Kernel/Common/Text.cs", "Modular.Identity.UserDto",
            "Modular.Store.StoreServices", "src/Host/Database/UnixAccount.cs",
        ]));

    [Fact]
    public void A_file_above_its_budget_is_found() => Assert.Equal(
        ["Long.cs: 3 lines"],
        Rules.LongerThan(2, [new SourceFile("Long.cs", "a\nb\nc\n"), new SourceFile("Short.cs", "a\nb\n")]));

    [Fact]
    public void Work_left_for_later_is_found() => Assert.Equal(
        ["X.cs:1 TODO", "X.cs:3 #region"],
        Rules.Leftovers(new SourceFile("X.cs", "// TODO: later\n// TODO(#12): named\n#region Fields\n")));

    [Fact]
    public void Keys_are_found_however_they_are_read() => Assert.Equal(
        ["Modular:Size", "MODULAR_URL", "Auth:AllowSignUp"],
        Documents.KeysRead(new SourceFile(
            "X.cs",
            """"
            var size = configuration.GetValue("Modular:Size", 1);
            var url = First(configuration, "MODULAR_URL");
            throw new("Auth:Nothing is wrong"); var code = "NOT_FOUND";
            var section = configuration.GetSection("Auth");
            AllowSignUp = section.GetValue(nameof(AllowSignUp), AllowSignUp);
            """")));

    [Fact]
    public void Explained_keys_are_those_of_the_first_column() => Assert.Equal(
        ["Auth:Secret", "AUTH_SECRET"],
        Documents.KeysExplained("| key | default |\n| --- | --- |\n| `Auth:Secret` (or `AUTH_SECRET`, `--secret`) | `Other:Key` |\n"));

    [Fact]
    public void A_link_to_nowhere_is_found()
    {
        var readme = Path.Combine(Solution.Root, "README.md");
        Assert.Equal(["README.md -> docs/nowhere.md"], Documents.BrokenLinks(readme, "[a](docs/nowhere.md) [b](https://example.com) [c](README.md#x)"));
        Assert.Equal(["README.md names src/Nowhere.cs"], Documents.MissingFiles(readme, "`src/Nowhere.cs` and `src/Host/Program.cs` and `src`"));
    }

    [Fact]
    public void Literals_of_every_kind_are_told_from_code()
    {
        const string Code = """"
            var a = "one \" two"; // "not this"
            var b = @"three "" four"; /* "nor this" */
            var c = $"five {Call("six", 'x')} seven {{eight}}"; var d = '"';
            var e = """
                nine "ten"
                """;
            """";
        Assert.Equal(
            ["one \\\" two", "three \"\" four", "five {Call(\"six\", 'x')} seven {{eight}}", "nine \"ten\""],
            Literals.Of(Code).Select(literal => literal.Text.Trim()));
        Assert.DoesNotContain("this", Literals.CodeOf(Code), StringComparison.Ordinal);
        Assert.Contains("var d =", Literals.CodeOf(Code), StringComparison.Ordinal);
    }
}
