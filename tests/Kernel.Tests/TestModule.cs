using System.Text.Json;
using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Kernel.Tests;

internal sealed class TestModule : IModule
{
    public string Name => "Tests";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
    }
}

/// <summary>Stands in for sign-in/email: form allowed, form check, errors of the schema.</summary>
internal static class SignIn
{
    internal sealed record Request(string Email, string Password, bool? RememberMe) : IWireInput<Request>
    {
        public static Request Read(WireBody body) =>
            new(body.RequiredString("email"), body.RequiredString("password"), body.OptionalBool("rememberMe"));
    }

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app)
        {
            app.MapAuthPost("/sign-in/email", new() { AcceptsForm = true, ChecksForm = true }, (Request request) => WireJson.Ok(request))
                .WithName("signInEmail").WithSummary("Signs in with an e-mail address and a password.");
            app.MapAuthPost("/change-password", (WireBody body) => WireJson.Ok(body.Root));
            app.MapAuthPost("/request-password-reset", () => WireJson.Ok(new { status = true }));
            app.MapAuthPost("/sign-out", new() { BodyOptional = true }, (WireBody body, HttpContext context, SessionCookies cookies) =>
            {
                cookies.Clear(context);
                return WireJson.Ok(new { success = body.Member("x") is null });
            });
            app.MapAuthPost("/update-user", new() { BodyKind = "record" }, (WireBody body) => WireJson.Ok(body.Root));
            app.MapAuthGet("/ok", () => WireJson.Ok(new { ok = true }));
            app.MapAuthGet("/verify-email", (Verification query) => WireJson.Redirect(query.CallbackURL), "callbackURL");
            app.MapAuthGet("/reset/{token}", (string token) => WireJson.Ok(token));
            app.MapAuthGet("/refused", () => Refusal.Unauthorized().ToHttp());
            app.MapAuthGet("/refused/no-code", () => Refusal.BadRequest("NO_FIELDS_TO_UPDATE").WithoutCode().ToHttp());
            app.MapAuthGet("/refused/empty", () => Refusal.Unauthorized().WithoutBody().ToHttp());
        }
    }

    internal sealed record Verification(string Token, string CallbackURL) : IWireInput<Verification>
    {
        public static Verification Read(WireBody query) => new(query.RequiredString("token"), query.RequiredString("callbackURL"));
    }
}

/// <summary>A slice outside the auth surface, with a validator, and the same behind the auth surface.</summary>
internal static class SetName
{
    internal sealed record Request(string Name, int Age);

    internal sealed record Command(string Name, int Age) : IRequest<Outcome<string>>;

    internal static readonly Refusal Taken = Refusal.Conflict("name_taken");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app)
        {
            app.MapPost("/api/names", async (Request request, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Command(request.Name, request.Age), ct)).ToHttp(WireJson.Ok));
            app.MapAuthPost("/names", async (WireBody body, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Command(body.RequiredString("name"), 1), ct)).ToHttp(WireJson.Ok));
        }
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(command => command.Name).NotEmpty().WithMessage("must not be empty");
            RuleFor(command => command.Age).GreaterThan(0).WithMessage("must be positive");
        }
    }

    internal sealed class Handler : IRequestHandler<Command, Outcome<string>>
    {
        public Task<Outcome<string>> Handle(Command request, CancellationToken cancellationToken) =>
            Task.FromResult(request.Name == "ada" ? (Outcome<string>)Taken : JsonSerializer.Serialize(request.Name));
    }
}
