using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A developer reads what would have been mailed: <c>GET /dev/mailbox?to=ADDR</c>. Not there outside Development.</summary>
internal static class ReadMailbox
{
    internal sealed record Query(string? To) : IRequest<IReadOnlyList<Message>>;

    /// <param name="Html">Null: our texts are plain.</param>
    internal sealed record Message(string To, string Subject, string Text, string? Html, DateTimeOffset At);

    internal sealed class Endpoint(IOptions<MailOptions> options) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app)
        {
            if (!options.Value.HasMailbox)
                return;
            app.MapGet("/dev/mailbox", async (string? to, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    context.Response.Headers.CacheControl = "no-store";
                    return WireJson.Ok(await mediator.Send(new Query(to), ct));
                })
                .WithName(nameof(ReadMailbox))
                .WithTags("development")
                .Produces<IReadOnlyList<Message>>();
        }
    }

    internal sealed class Handler(IDocumentSession store, SecretBox secrets) : IRequestHandler<Query, IReadOnlyList<Message>>
    {
        public async Task<IReadOnlyList<Message>> Handle(Query query, CancellationToken ct)
        {
            var kept = await store.QueryAsync<DevelopmentMail>("order by d.id", ct);
            return
            [
                .. from row in kept
                   let mail = secrets.OpenJson<Mail>(row.Content, DevelopmentMail.Context(row.Id))
                   where mail is not null && (query.To is null || mail.To.Equals(query.To, StringComparison.OrdinalIgnoreCase))
                   select new Message(mail.To, mail.Subject, mail.Text, null, row.At),
            ];
        }
    }
}
