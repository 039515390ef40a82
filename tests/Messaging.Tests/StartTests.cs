using Modular.Testing;

namespace Modular.Messaging.Tests;

public sealed class StartTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_message_without_handler_fails_the_start()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Node.Start(_database, messages: messages => messages.PublishMessage<Unheard>("note.unheard.1")));
        Assert.Contains("'note.unheard.1' (Modular.Messaging.Tests.StartTests+Unheard) has no handler", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_used_twice_fails_the_start()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Node.Start(_database, messages: messages => messages.PublishMessage<Unheard>("note.noted.1")));
        Assert.Contains("'note.noted.1' is registered twice", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_handler_of_what_nobody_publishes_fails_the_start()
    {
        var failure = Assert.Throws<InvalidOperationException>(() =>
            new MessageRegistry([new MessagingOptions("notes", typeof(StartTests).Assembly)]));
        Assert.Contains("which no module publishes", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_is_not_registered_cannot_be_published()
    {
        await using var node = await Node.Create(_database);
        await Assert.ThrowsAsync<InvalidOperationException>(() => node.Publish(new Unheard()));
    }

    internal sealed record Unheard;
}
