using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>Asks whose live session a token is of. Null: nobody's any more.</summary>
/// <param name="Token">The bare token.</param>
public sealed record FindUserOfToken(string Token) : IRequest<string?>;
