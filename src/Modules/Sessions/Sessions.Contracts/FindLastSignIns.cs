using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>Asks when users last signed in themselves, on any device; who never did is left out.</summary>
public sealed record FindLastSignIns(IReadOnlyList<string> UserIds) : IRequest<IReadOnlyDictionary<string, DateTimeOffset>>;
