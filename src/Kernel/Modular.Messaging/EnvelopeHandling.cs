using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Store;

namespace Modular.Messaging;

/// <summary>
/// Handles one claimed message: in a scope of its own, and the handler's writes commit together with the inbox mark, so
/// that it has effect once, however often it was tried and by however many nodes.
/// </summary>
internal sealed class EnvelopeHandling(
    MessageRegistry registry, LocalQueues local, EnvelopeTable table, IServiceScopeFactory scopes, MessagingSettings settings,
    MessagingMetrics metrics, TimeProvider clock, ILogger<MessagingDaemon> log)
{
    /// <summary>How often a lost race for a version is run again at once: it says nothing against the message.</summary>
    private const int Races = 3;

    /// <summary>How often writing down a failure is tried; after that the lease runs out and it counts all the same.</summary>
    private const int Notes = 3;

    public async Task Handle(Claim claim)
    {
        var envelope = claim.Envelope;
        if (claim.LeaseAge > local.Lease)
            return;
        try
        {
            claim.Start();
            if (envelope.DeliverBy < clock.GetUtcNow())
                await Expire(envelope);
            else if (envelope.Attempts > settings.MaximumAttempts)
                await Bury(envelope, "Abandoned", "Its node stopped or its handler took too long, each time.", failure: null);
            else
                await Try(claim);
        }
        catch (Exception failure)
        {
            await Conclude(claim, failure);
        }
    }

    private async Task Try(Claim claim)
    {
        var handler = registry.Handler(claim.Envelope.Queue, claim.Envelope.MessageType);
        var message = JsonSerializer.Deserialize(claim.Envelope.Body, handler.MessageType, StoreJson.Options)
            ?? throw new JsonException("The message is null.");
        for (var race = 1; ; race++)
        {
            try
            {
                await Run(claim, handler, message);
                metrics.Handled(claim.Envelope.Queue);
                return;
            }
            catch (ConcurrencyException) when (race < Races && !claim.Token.IsCancellationRequested)
            {
                // Again, in a fresh scope.
            }
        }
    }

    private async Task Run(Claim claim, HandlerMapping handler, object message)
    {
        await using var scope = scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        Describe(claim.Envelope, services.GetRequiredService<EventMetadata>());
        var unit = services.GetRequiredService<UnitOfWork>();
        var session = (DocumentSession)services.GetRequiredService<IDocumentSession>();
        // Requests that the handler sends join: they would commit without the mark.
        unit.TryEnter();
        await handler.Handle(services, message, claim.Token);
        claim.Token.ThrowIfCancellationRequested();
        session.QueueFirst(new CompleteOperation(claim.Envelope, local.Node));
        await session.SaveChangesAsync(claim.Token);
        unit.Leave();
    }

    private static void Describe(Envelope envelope, EventMetadata metadata)
    {
        metadata.Actor = envelope.Actor;
        metadata.SessionId = envelope.SessionId;
        metadata.OrganizationId = envelope.OrganizationId;
        metadata.CorrelationId = envelope.CorrelationId;
        metadata.CausationId = envelope.Id.ToString("N");
    }

    private async Task Conclude(Claim claim, Exception failure)
    {
        var envelope = claim.Envelope;
        if (claim.Lost || failure is ClaimLostException)
        {
            log.LogInformation("Message {Id} ({Type}) in {Queue} went to another node, or was finished before", envelope.Id, envelope.MessageType, envelope.Queue);
            return;
        }

        for (var note = 1; ; note++)
        {
            try
            {
                await Note(claim, failure);
                return;
            }
            catch (Exception unreachable)
            {
                log.LogWarning(unreachable, "What became of message {Id} in {Queue} could not be written down", envelope.Id, envelope.Queue);
                if (note == Notes)
                    return;
                await Task.Delay(TimeSpan.FromMilliseconds(200 * note));
            }
        }
    }

    private Task Note(Claim claim, Exception failure)
    {
        if (claim.Stopping && failure is OperationCanceledException)
            return table.Release([claim.Envelope]);
        if (failure is OperationCanceledException && claim.Token.IsCancellationRequested)
            failure = new TimeoutException($"The handler took longer than {settings.HandlerTimeout}.", failure);
        return claim.Envelope.Attempts >= settings.MaximumAttempts
            ? Bury(claim.Envelope, failure.GetType().FullName!, failure.Message, failure)
            : Retry(claim.Envelope, failure);
    }

    private async Task Retry(Envelope envelope, Exception failure)
    {
        var pause = settings.RetryAfter(envelope.Attempts);
        if (!await table.Retry(envelope, clock.GetUtcNow() + pause, $"{failure.GetType().FullName}: {failure.Message}"))
            return;
        metrics.Failed(envelope.Queue);
        log.LogWarning(failure, "Message {Id} ({Type}) failed in {Queue}, attempt {Attempt}; again in {Pause}",
            envelope.Id, envelope.MessageType, envelope.Queue, envelope.Attempts, pause);
        // The workers work out anew when something is due.
        local.Wake();
    }

    private async Task Bury(Envelope envelope, string exceptionType, string message, Exception? failure)
    {
        if (!await table.Bury(envelope, clock.GetUtcNow(), exceptionType, message))
            return;
        metrics.Failed(envelope.Queue);
        metrics.Dead(envelope.Queue);
        log.LogError(failure, "Message {Id} ({Type}) is a dead letter of {Queue} after {Attempts} attempts: {Reason}",
            envelope.Id, envelope.MessageType, envelope.Queue, envelope.Attempts, message);
    }

    private async Task Expire(Envelope envelope)
    {
        if (await table.Expire(envelope))
            log.LogInformation("Message {Id} ({Type}) in {Queue} was not delivered by {DeliverBy} and is dropped", envelope.Id, envelope.MessageType, envelope.Queue, envelope.DeliverBy);
    }
}
