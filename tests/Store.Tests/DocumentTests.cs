using Npgsql;

namespace Modular.Store.Tests;

public sealed class DocumentTests(Store store) : IClassFixture<Store>
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private Node Node => store.Node;

    [Fact]
    public async Task A_document_comes_back_as_it_was_stored()
    {
        var note = new Note(Some.Key(), "Groceries", "ada", NoteKind.Loud, new Place("Oslo"), Noon, 3);
        await Save(session => session.Insert(note));
        Assert.Equal(note, await Load(note.Id));
        Assert.Equal(
            ["ada", Noon.UtcDateTime, 3, 1L],
            Assert.Single(await Node.Rows("select author, due, weight, mt_version from bank.mt_doc_note where id = $1", note.Id)));
    }

    [Fact]
    public async Task A_document_that_is_not_there_is_null() => Assert.Null(await Load("nobody"));

    [Fact]
    public async Task Storing_again_overwrites_and_raises_the_revision()
    {
        var note = new Note(Some.Key(), Some.Key("title"), "ada");
        await Save(session => session.Store(note));
        await Save(session => session.Store(note with { Author = null, Weight = 4 }));
        Assert.Equal(note with { Author = null, Weight = 4 }, await Load(note.Id));
        Assert.Equal(
            [null, 4, 2L],
            Assert.Single(await Node.Rows("select author, weight, mt_version from bank.mt_doc_note where id = $1", note.Id)));
    }

    [Fact]
    public async Task Inserting_an_id_that_is_taken_is_refused_by_name()
    {
        var note = new Note(Some.Key(), Some.Key("title"));
        await Save(session => session.Insert(note));
        var refused = await Assert.ThrowsAsync<DocumentAlreadyExistsException>(
            () => Save(session => session.Insert(note with { Title = Some.Key("title") })));
        Assert.Equal(("mt_doc_note_pkey", "mt_doc_note"), (refused.ConstraintName, refused.TableName));
        Assert.Equal(note, await Load(note.Id));
    }

    [Fact]
    public async Task A_unique_index_refuses_by_the_name_it_was_declared_with()
    {
        var title = Some.Key("title");
        await Save(session => session.Insert(new Note(Some.Key(), title, Place: new Place(title))));
        var refused = await Assert.ThrowsAsync<DocumentAlreadyExistsException>(() => Save(session => session.Insert(new Note(Some.Key(), title))));
        Assert.Equal("note_title", refused.ConstraintName);
        refused = await Assert.ThrowsAsync<DocumentAlreadyExistsException>(
            () => Save(session => session.Insert(new Note(Some.Key(), Some.Key("title"), Place: new Place(title)))));
        Assert.Equal("note_city", refused.ConstraintName);
    }

    [Fact]
    public async Task Nothing_of_a_unit_of_work_is_stored_when_one_statement_fails()
    {
        var taken = new Note(Some.Key(), Some.Key("title"));
        await Save(session => session.Insert(taken));
        var (first, stream) = (new Note(Some.Key(), Some.Key("title")), Some.Key("journal"));
        await using var session = Node.Session();
        session.Insert(first);
        session.Events.Append(stream, new JournalOpened("Days"));
        session.Insert(taken);
        await Assert.ThrowsAsync<DocumentAlreadyExistsException>(() => session.SaveChangesAsync());
        Assert.Null(await Load(first.Id));
        Assert.Null(await session.Events.FetchStreamStateAsync<Journal>(stream));
        Assert.Equal(0L, await Node.Value<long>("select count(*) from journal.mt_events where stream_id = $1", stream));
    }

    [Fact]
    public async Task A_unit_of_work_is_one_transaction()
    {
        var (note, account) = (new Note(Some.Key(), Some.Key("title")), Some.Key("account"));
        await using var session = Node.Session();
        session.Insert(note);
        session.Events.StartStream<Account>(account, new AccountOpened("ada", null), new MoneyPaidIn(5));
        session.Events.Append(Some.Key("journal"), new JournalOpened("Days"));
        session.QueueSqlCommand("insert into bank.ledger (event_id, module, stream, version, node) values (gen_random_uuid(), '', ?, 0, '')", note.Id);
        await session.SaveChangesAsync();
        Assert.Equal(1L, await Node.Value<long>(
            """
            select count(distinct xmin::text) from (
                select xmin from bank.mt_doc_note where id = $1 union all select xmin from bank.ledger where stream = $1
                union all select xmin from bank.mt_events where stream_id = $2 union all select xmin from bank.mt_doc_account where id = $2
                union all select xmin from bank.payments where account_id = $2 union all select xmin from published.accounts_sync where id = $2) written
            """, note.Id, account));
    }

    [Fact]
    public async Task Updating_what_is_not_there_is_an_error_and_not_a_wish()
    {
        var other = new Note(Some.Key(), Some.Key("title"));
        await Assert.ThrowsAsync<NonExistentDocumentException>(() => Save(session =>
        {
            session.Insert(other);
            session.Update(new Note("missing", "x"));
        }));
        Assert.Null(await Load(other.Id));
    }

    [Fact]
    public async Task A_revision_that_was_overtaken_is_refused()
    {
        var note = new Note(Some.Key(), Some.Key("title"));
        await Save(session => session.Insert(note));
        await using var session = Node.Session();
        var read = await session.LoadRevisionAsync<Note>(note.Id);
        Assert.Equal(new Revision<Note>(note, 1), read);
        await Save(other => other.Update(note with { Weight = 1 }));

        session.UpdateRevision(read!.Document with { Weight = 2 }, read.Number);
        var refused = await Assert.ThrowsAsync<ConcurrencyException>(() => session.SaveChangesAsync());
        Assert.Equal($"bank.mt_doc_note '{note.Id}' is not at revision 1.", refused.Message);
        Assert.Equal(note with { Weight = 1 }, await Load(note.Id));

        await Save(again => again.UpdateRevision(note with { Weight = 3 }, 2));
        Assert.Equal(note with { Weight = 3 }, await Load(note.Id));
    }

    [Fact]
    public async Task Deleting_is_harmless_when_nothing_is_there()
    {
        var note = new Note(Some.Key(), Some.Key("title"));
        await Save(session => session.Insert(note));
        await Save(session => session.Delete<Note>(note.Id));
        await Save(session => session.Delete<Note>(note.Id));
        Assert.Null(await Load(note.Id));
    }

    [Fact]
    public async Task Loads_see_what_is_staged_and_queries_do_not()
    {
        var (stored, staged, author) = (new Note(Some.Key(), Some.Key("t"), Some.Key("author")), new Note(Some.Key(), Some.Key("t")), "");
        author = stored.Author!;
        await Save(first => first.Insert(stored));
        await using var session = Node.Session();
        session.Store(stored with { Weight = 9 });
        session.Insert(staged with { Author = author });
        Assert.Equal(stored with { Weight = 9 }, await session.LoadAsync<Note>(stored.Id));
        Assert.Equal(
            [9, 0],
            (await session.LoadManyAsync<Note>([stored.Id, staged.Id, "nobody"])).Select(note => note.Weight));
        Assert.Equal([stored], await session.QueryAsync<Note>("where d.author = ? order by d.id", default, author));
        session.Delete<Note>(stored.Id);
        Assert.Null(await session.LoadAsync<Note>(stored.Id));

        session.EjectAllPendingChanges();
        Assert.False(session.HasPendingChanges);
        Assert.Equal(stored, await session.LoadAsync<Note>(stored.Id));
        Assert.Null(await session.LoadAsync<Note>(staged.Id));
    }

    [Fact]
    public async Task A_conditional_statement_that_touches_other_than_it_must_raises()
    {
        var note = new Note(Some.Key(), Some.Key("title"));
        var refused = await Assert.ThrowsAsync<ConcurrencyException>(() => Save(session =>
        {
            session.Insert(note);
            session.QueueSqlCommand(1, "update bank.mt_doc_note set weight = 5 where id = ? and weight = ?", note.Id, 77);
        }));
        Assert.Equal("a conditional statement touched 0 rows instead of 1", refused.Message);
        Assert.Null(await Load(note.Id));

        await Save(session =>
        {
            session.Insert(note);
            session.QueueSqlCommand(1, "update bank.mt_doc_note set weight = 5 where id = ? and weight = ?", note.Id, 0);
        });
        Assert.Equal(5, await Node.Value<int>("select weight from bank.mt_doc_note where id = $1", note.Id));
    }

    [Fact]
    public async Task A_question_mark_may_be_meant()
    {
        var note = new Note(Some.Key(), Some.Key("title"), Place: new Place(Some.Key("city")));
        await Save(session => session.Insert(note));
        await using var session = Node.Session();
        Assert.Equal([note], await session.QueryAsync<Note>("where d.id = ? and d.data -> 'place' ?? 'city'", default, note.Id));
    }

    [Fact]
    public async Task Values_and_nulls_may_alternate_in_prepared_statements()
    {
        for (var at = 0; at < 12; at++)
        {
            var note = new Note(Some.Key(), Some.Key("t"), at % 2 == 0 ? "ada" : null, Due: at % 3 == 0 ? Noon : null, Weight: at);
            await Save(session =>
            {
                session.Insert(note);
                session.QueueSqlCommand("update bank.mt_doc_note set author = ? where id = ?", at % 2 == 0 ? null : "grace", note.Id);
            });
            Assert.Equal(
                [at % 2 == 0 ? null : "grace", at % 3 == 0 ? Noon.UtcDateTime : null],
                Assert.Single(await Node.Rows("select author, due from bank.mt_doc_note where id = $1", note.Id)));
        }
    }

    [Fact]
    public async Task Units_that_would_deadlock_both_end_well()
    {
        var (one, two) = (new Note(Some.Key(), Some.Key("t")), new Note(Some.Key(), Some.Key("t")));
        await Save(session => session.Insert(one, two));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(at => Save(session =>
        {
            session.Update(at % 2 == 0 ? one : two);
            session.Update(at % 2 == 0 ? two : one);
        })));
        Assert.Equal(41L, await Node.Value<long>("select mt_version from bank.mt_doc_note where id = $1", one.Id));
    }

    [Fact]
    public async Task What_runs_after_a_commit_runs_once_and_only_after_one()
    {
        var ran = 0;
        await using var session = Node.Session();
        session.OnCommitted(() => ran++);
        session.Update(new Note("missing", "x"));
        await Assert.ThrowsAsync<NonExistentDocumentException>(() => session.SaveChangesAsync());
        Assert.Equal(0, ran);

        session.EjectAllPendingChanges();
        session.OnCommitted(() => ran++);
        session.Store(new Note(Some.Key(), Some.Key("t")));
        await session.SaveChangesAsync();
        await session.SaveChangesAsync();
        Assert.Equal(1, ran);
    }

    [Fact]
    public async Task An_unfinished_commit_is_not_cancelled_half_way()
    {
        using var cancelled = new CancellationTokenSource();
        var note = new Note(Some.Key(), Some.Key("t"));
        await using var session = Node.Session();
        session.Insert(note);
        session.QueueSqlCommand("select pg_sleep(0.3)");
        cancelled.CancelAfter(100);
        await session.SaveChangesAsync(cancelled.Token);
        Assert.Equal(note, await Load(note.Id));
    }

    [Fact]
    public async Task A_commit_whose_connection_dies_tells_so_and_is_not_sent_again()
    {
        var note = new Note(Some.Key(), Some.Key("t"));
        await using var session = Node.Session();
        session.Insert(note);
        session.QueueSqlCommand("select pg_sleep(20) as dies_here");
        var commit = session.SaveChangesAsync();
        while (await Node.Value<long>("select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%dies_here' and pid <> pg_backend_pid()) killed") == 0)
            await Task.Delay(10);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => commit);
        Assert.True(session.HasPendingChanges);
        Assert.Null(await Load(note.Id));
    }

    [Fact]
    public async Task A_batch_of_thousands_of_statements_goes_through()
    {
        var author = Some.Key("author");
        await Save(session =>
        {
            for (var at = 0; at < 5_000; at++)
                session.Insert(new Note(Some.Key(), Some.Key("t"), author, Due: at % 2 == 0 ? Noon : null));
        });
        Assert.Equal(5_000L, await Node.Value<long>("select count(*) from bank.mt_doc_note where author = $1", author));
    }

    [Fact]
    public async Task After_the_server_has_dropped_its_connections_the_next_unit_of_work_is_told_and_the_one_after_works()
    {
        await Save(session => session.Insert(new Note(Some.Key(), Some.Key("t"))));
        await Node.Execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
        var note = new Note(Some.Key(), Some.Key("t"));
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await Save(session => session.Store(note));
                break;
            }
            catch (NpgsqlException) when (attempt < 10)
            {
            }
        }

        Assert.Equal(note, await Load(note.Id));
    }

    private async Task Save(Action<IDocumentSession> stage)
    {
        await using var session = Node.Session();
        stage(session);
        await session.SaveChangesAsync();
    }

    private async Task<Note?> Load(string id)
    {
        await using var session = Node.Store.QuerySession();
        return await session.LoadAsync<Note>(id);
    }
}
