using System.Collections.Concurrent;
using System.Reflection;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Messaging.Tests;

/// <summary>A module of the tests: messages, and handlers that write rows of <c>notes.notes</c>.</summary>
internal static class Notes
{
    public const string TakeQueue = "notes.take_note";

    public static IServiceCollection AddNotes(this IServiceCollection services, Action<MessagingOptions>? more = null)
    {
        services.AddSingleton<Script>();
        services.ConfigureStore("notes", store =>
        {
            store.Events.MapEventType<NoteWritten>("note.written.1");
            store.Storage.Script("001-notes", """
                create table {schema}.notes (
                    number bigint generated always as identity, key text not null, text text not null, writer text not null);
                """);
        });
        services.ConfigureMessaging("notes", Assembly.GetExecutingAssembly(), messages =>
        {
            messages
                .PublishMessage<TakeNote.Noted>("note.noted.1")
                .PublishMessage<ForwardNote.Forwarded>("note.forwarded.1")
                .PublishMessage<DictateNote.Dictated>("note.dictated.1")
                .PublishMessage<HearNews.News>("note.news.1")
                .PublishMessage<KeepRecord.Recorded>("note.recorded.1");
            more?.Invoke(messages);
        });
        services.AddScoped<IRequestHandler<WriteDown.Command, Outcome>, WriteDown.Handler>();
        return services;
    }

    public static void Write(this IDocumentSession session, string key, string text, string writer) =>
        session.QueueSqlCommand("insert into notes.notes (key, text, writer) values (?, ?, ?)", key, text, writer);
}

/// <summary>What a test tells the handlers of one node to do.</summary>
internal sealed class Script
{
    /// <summary>Runs in the handler of notes, before it returns.</summary>
    public Func<TakeNote.Noted, CancellationToken, Task> OnNote { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Runs in one of the two handlers of news.</summary>
    public Func<Task> OnNews { get; set; } = () => Task.CompletedTask;

    /// <summary>The texts of the notes that were begun, in this order.</summary>
    public ConcurrentQueue<string> Begun { get; } = new();

    /// <summary>The name of the node in what it writes.</summary>
    public string Writer { get; set; } = "node";
}

internal static class TakeNote
{
    internal sealed record Noted(string Key, string Text);

    internal sealed class Handler(IDocumentSession session, Script script)
    {
        public async Task Handle(Noted noted, CancellationToken ct)
        {
            script.Begun.Enqueue(noted.Text);
            session.Write(noted.Key, noted.Text, script.Writer);
            await script.OnNote(noted, ct);
        }
    }
}

/// <summary>Answers a message by another one.</summary>
internal static class ForwardNote
{
    internal sealed record Forwarded(string Key, string Text);

    internal static class Handler
    {
        public static async Task Handle(Forwarded forwarded, IMessageBus bus, IDocumentSession session)
        {
            session.Write(forwarded.Key, $"{forwarded.Text} forwarded", "forward");
            await bus.PublishAsync(new TakeNote.Noted(forwarded.Key, forwarded.Text));
        }
    }
}

/// <summary>Asks another slice by the mediator, and appends an event of its own.</summary>
internal static class DictateNote
{
    internal sealed record Dictated(string Key, string Text, bool Stumbles);

    internal sealed class Handler(IMediator mediator, IDocumentSession session)
    {
        public async Task Handle(Dictated dictated, CancellationToken ct)
        {
            await mediator.Send(new WriteDown.Command(dictated.Key, dictated.Text), ct);
            session.Events.Append(dictated.Key, new NoteWritten(dictated.Text));
            if (dictated.Stumbles)
                throw new InvalidOperationException("Stumbled.");
        }
    }
}

internal sealed record NoteWritten(string Text);

internal static class WriteDown
{
    internal sealed record Command(string Key, string Text) : IRequest<Outcome>;

    internal sealed class Handler(IDocumentSession session) : IRequestHandler<Command, Outcome>
    {
        public Task<Outcome> Handle(Command request, CancellationToken cancellationToken)
        {
            session.Write(request.Key, request.Text, "mediator");
            return Task.FromResult(Outcome.Done);
        }
    }
}

/// <summary>One of two modules that hear the news.</summary>
internal static class HearNews
{
    internal sealed record News(string Text);

    internal sealed class Handler(Script script)
    {
        public Task Handle(News news) => script.OnNews();
    }
}

internal static class PassOnNews
{
    internal static class Handler
    {
        public static Task Handle(HearNews.News news, IDocumentSession session)
        {
            session.Write("news", news.Text, "pass on");
            return Task.CompletedTask;
        }
    }
}

/// <summary>Adds to a stream at the version it read: messages for one stream race each other.</summary>
internal static class KeepRecord
{
    internal sealed record Recorded(string Stream, int Number);

    internal sealed class Handler(IDocumentSession session)
    {
        public async Task Handle(Recorded recorded, CancellationToken ct)
        {
            var stream = await session.Events.FetchForWriting<Record>(recorded.Stream, ct);
            stream.AppendOne(new NoteWritten($"{recorded.Number}"));
        }
    }

    internal sealed record Record(string Id, int Notes)
    {
        public static Record Create(NoteWritten _) => new("", 1);

        public Record Apply(NoteWritten _) => this with { Notes = Notes + 1 };
    }
}
