using System.Buffers.Text;
using System.Text;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>Where a page begins: right after a row, named by its place in the order and its id. Opaque to clients.</summary>
internal sealed record PageCursor(long Place, string Id)
{
    public const int MostRows = 100;
    public const int UsualRows = 20;

    public static readonly Refusal Invalid = Refusal.Invalid(new FieldError("after", "Not a cursor that an answer has given.", "query"));

    public static readonly Refusal InvalidLimit = Refusal.Invalid(new FieldError("limit", $"A whole number from 1 to {MostRows}.", "query"));

    public string Text => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{Place}.{Id}"));

    /// <summary>Absent is null; what is no cursor is false.</summary>
    public static bool TryParse(string? text, out PageCursor? cursor)
    {
        cursor = null;
        if (string.IsNullOrEmpty(text))
            return true;
        if (text.Length > 200 || !Base64Url.IsValid(text))
            return false;
        var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split('.', 2);
        if (parts is not [var place, { Length: > 0 } id] || !long.TryParse(place, out var at) || at < 0 || at > DateTimeOffset.MaxValue.Ticks || !ProfileText.IsStorable(id))
            return false;
        cursor = new PageCursor(at, id);
        return true;
    }

    /// <summary>Absent is <see cref="UsualRows"/>; what is no limit is false.</summary>
    public static bool TryLimit(string? text, out int limit)
    {
        limit = UsualRows;
        return string.IsNullOrEmpty(text) || (int.TryParse(text, out limit) && limit is >= 1 and <= MostRows);
    }
}
