using MediatR;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Sessions asks whom the key of a request stands for (<see cref="Contracts.UseApiKey"/>).</summary>
internal static class UseApiKey
{
    internal sealed class Handler(ApiKeyCheck check, IOptions<ApiKeyOptions> options, IOptions<AuthOptions> auth)
        : IRequestHandler<Contracts.UseApiKey, ApiKeyUsed>
    {
        public async Task<ApiKeyUsed> Handle(Contracts.UseApiKey command, CancellationToken ct)
        {
            if (!options.Value.ActAsSession || !auth.Value.IsOn(AuthGroup.ApiKey))
                return new ApiKeyUsed(null, null);
            if (!ApiKeyCheck.IsLongEnough(command.Key))
                return new ApiKeyUsed(null, ProblemOf(ApiKeyCheck.Malformed));
            var outcome = await check.Use(command.Key, wanted: null, "use", ct);
            if (outcome.Refusal is { } refusal)
                return new ApiKeyUsed(null, ProblemOf(refusal));
            var (key, _, owner) = outcome.Answer;
            return new ApiKeyUsed(new ApiKeyHolder(key.Id, owner.ToPrincipal(), key.CreatedAt, key.ExpiresAt), null);
        }

        private static ApiKeyProblem ProblemOf(Refusal refusal) => new(refusal.Status, refusal.Code, refusal.Message, refusal.RetryAfter);
    }
}
