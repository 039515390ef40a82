using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>
/// Stages, in the caller's unit of work, that a subject's key is shredded, with the entry that says so; joins whatever makes
/// their end true. For a module that lets go of somebody; <see cref="RequestErasure"/> asks whether that may be.
/// </summary>
/// <param name="SubjectId">A user's id.</param>
/// <param name="Also">Other keys of theirs: of addresses that they had.</param>
/// <param name="Reason">A stable code.</param>
public sealed record EraseSubject(string SubjectId, IReadOnlyList<string> Also, string Reason) : IRequest;

/// <summary>
/// Somebody who has no account (any more) is erased; whoever has one is deleted first. Commits when it is the outermost
/// request; asked for again it does no harm.
/// </summary>
/// <param name="SubjectId">A user's id, <c>address:HASH</c>, or <c>anonymous:YYYY-MM</c> of a month that is over.</param>
/// <param name="Reason">A stable code.</param>
/// <param name="WithAccount">Deletes the account, where there is one, instead of refusing.</param>
public sealed record RequestErasure(string SubjectId, string Reason, bool WithAccount = false) : IRequest<ErasedSubject>;

/// <summary>What became of a wish to erase somebody.</summary>
/// <param name="IsNew">False: they were erased before.</param>
/// <param name="Problem">A stable code; null when they are erased.</param>
/// <param name="Message">A sentence about the problem.</param>
public sealed record ErasedSubject(string SubjectId, bool IsNew, string? Problem = null, string? Message = null);
