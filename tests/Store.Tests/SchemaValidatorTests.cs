using Modular.Testing;

namespace Modular.Store.Tests;

public sealed class SchemaValidatorTests : IAsyncLifetime
{
    private TestDatabase? _database;
    private Node? _node;

    private Node Node => _node!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _node = await Node.Start(_database.ConnectionString);
    }

    public async Task DisposeAsync()
    {
        await Node.DisposeAsync();
        await _database!.DisposeAsync();
    }

    [Fact]
    public async Task A_database_as_this_version_makes_it_is_right_and_stays_as_it_is()
    {
        await Node.Append("a", new AccountOpened("ada", null));
        var before = await Node.Value<long>("select count(*) from pg_class");
        Assert.Empty(await Sentences());
        Assert.Equal(before, await Node.Value<long>("select count(*) from pg_class"));
    }

    [Theory]
    [InlineData("drop table bank.payments", "The table bank.payments is missing.")]
    [InlineData("drop view bank.rich", "The view bank.rich is missing.")]
    [InlineData("create or replace view bank.rich as select id, balance from bank.mt_doc_account where balance > 5", "The view bank.rich is not defined as this version defines it.")]
    [InlineData("alter table bank.standings drop column owner", "The column bank.standings.owner is missing.")]
    [InlineData("alter table bank.mt_doc_note drop column author", "The column bank.mt_doc_note.author is missing.")]
    [InlineData("alter table bank.standings alter column owner type varchar(9)", "The column bank.standings.owner is \"character varying(9)\", expected \"text\".")]
    [InlineData("alter table bank.standings alter column state drop default", "The column bank.standings.state is \"character varying(20) not null\", expected \"character varying(20) not null default 'good'::character varying\".")]
    [InlineData("drop index bank.account_email", "The index bank.mt_doc_account.account_email is missing.")]
    [InlineData("alter table journal.mt_events drop constraint mt_events_stream_and_version", "The constraint journal.mt_events.mt_events_stream_and_version is missing.")]
    [InlineData("alter table bank.ledger disable trigger only_grows", "The trigger bank.ledger.only_grows is disabled.")]
    [InlineData("drop trigger only_grows on bank.ledger", "The trigger bank.ledger.only_grows is missing.")]
    [InlineData("create or replace function store.enter_epoch() returns integer language sql as 'select 1'", "The function store.enter_epoch is not defined as this version defines it.")]
    [InlineData("alter table bank.cards drop constraint cards_account_id_fkey", "The constraint bank.cards.cards_account_id_fkey is missing.")]
    public async Task A_difference_is_told_in_one_true_sentence(string damage, string sentence)
    {
        await Node.Execute(damage);
        Assert.Equal([sentence], await Sentences());
    }

    [Fact]
    public async Task What_others_keep_in_the_same_schemas_is_their_business()
    {
        await Node.Execute("create table bank.theirs (a int); create index their_index on bank.mt_doc_note (mt_version); alter table bank.standings add column theirs int");
        Assert.Empty(await Sentences());
    }

    [Fact]
    public async Task A_missing_schema_is_its_missing_tables()
    {
        await Node.Execute("drop schema journal cascade");
        Assert.Equal(
            ["The table journal.mt_streams is missing.", "The table journal.mt_events is missing.", "The table journal.mt_event_progression is missing."],
            (await Sentences()).OrderBy(sentence => Array.IndexOf(["mt_streams", "mt_events"], sentence[18..^12]) is var at && at < 0 ? 9 : at));
    }

    private async Task<List<string>> Sentences() =>
        [.. (await Node.Get<SchemaValidator>().Validate()).Select(difference => difference.Sentence)];
}
