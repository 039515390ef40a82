using System.Reflection;
using Microsoft.AspNetCore.Http;

namespace Modular.Kernel;

/// <summary>What the pipeline knows about any answer: whether it is a refusal.</summary>
public interface IOutcome
{
    /// <summary>Why not; <see langword="null"/> when it was done.</summary>
    Refusal? Refusal { get; }
}

/// <summary>
/// What a handler answers: done, or refused. No Map, Bind or Tap on purpose: it is read once, at the endpoint that asked.
/// </summary>
public readonly record struct Outcome(Refusal? Refusal) : IOutcome
{
    public static readonly Outcome Done;

    public static implicit operator Outcome(Refusal refusal) => new(refusal);

    /// <summary>The refusal in the shape of the surface that asked, or what <paramref name="done"/> makes.</summary>
    public IResult ToHttp(Func<IResult> done) => Refusal is { } refusal ? refusal.ToHttp() : done();

    /// <summary>
    /// A refusal as the answer type of a request, for behaviours of the pipeline that only know
    /// <typeparamref name="TResponse"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="TResponse"/> is not an outcome.</exception>
    public static TResponse Refused<TResponse>(Refusal refusal) =>
        Refusing<TResponse>.With is { } with
            ? with(refusal)
            : throw new InvalidOperationException($"{typeof(TResponse)} cannot carry the refusal {refusal.Code}: answer with an Outcome.");

    /// <summary>An answer whose type is an interface, which C# does not convert implicitly.</summary>
    public static Outcome<T> Of<T>(T answer) => new(answer, null);

    /// <summary>Compiled once per answer type.</summary>
    private static class Refusing<TResponse>
    {
        public static readonly Func<Refusal, TResponse>? With = Make();

        private static Func<Refusal, TResponse>? Make()
        {
            if (!typeof(IOutcome).IsAssignableFrom(typeof(TResponse)))
                return null;
            var convert = typeof(TResponse).GetMethod("op_Implicit", BindingFlags.Public | BindingFlags.Static, [typeof(Refusal)])!;
            return convert.CreateDelegate<Func<Refusal, TResponse>>();
        }
    }
}

/// <summary>What a handler answers: <typeparamref name="T"/>, or refused.</summary>
public readonly record struct Outcome<T> : IOutcome
{
    private readonly T? answer;

    internal Outcome(T? answer, Refusal? refusal) => (this.answer, Refusal) = (answer, refusal);

    public Refusal? Refusal { get; }

    /// <summary>The answer.</summary>
    /// <exception cref="InvalidOperationException">It was refused: look at <see cref="Refusal"/> first.</exception>
    public T Answer => Refusal is null ? answer! : throw new InvalidOperationException($"Refused: {Refusal.Code}.");

    public static implicit operator Outcome<T>(T answer) => new(answer, null);

    public static implicit operator Outcome<T>(Refusal refusal) => new(default, refusal);

    /// <summary>The refusal in the shape of the surface that asked, or what <paramref name="answered"/> makes of the answer.</summary>
    public IResult ToHttp(Func<T, IResult> answered) => Refusal is { } refusal ? refusal.ToHttp() : answered(answer!);
}
