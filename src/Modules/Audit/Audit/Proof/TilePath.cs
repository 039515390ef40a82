using System.Globalization;

namespace Modular.Audit;

/// <summary>
/// How a tile is named in an address (C2SP tlog-tiles): its number in groups of three digits, all but the last after an
/// <c>x</c>, and <c>.p/W</c> behind it for the first W hashes of one that is not full.
/// </summary>
internal static class TilePath
{
    public static bool TryRead(string path, out long number, out int width)
    {
        (number, width) = (0, Tile.Width);
        if (path.IndexOf(".p/", StringComparison.Ordinal) is >= 0 and var partial)
        {
            if (!TryNumber(path[(partial + 3)..], out width) || width is 0 or >= Tile.Width)
                return false;
            path = path[..partial];
        }

        var groups = path.Split('/');
        for (var at = 0; at < groups.Length; at++)
        {
            var isLast = at == groups.Length - 1;
            var digits = isLast ? groups[at] : groups[at].TrimStart('x');
            if (digits.Length != 3 || (!isLast && groups[at].Length != 4) || !digits.All(char.IsAsciiDigit) || number > long.MaxValue / 10_000)
                return false;
            number = (number * 1000) + int.Parse(digits, CultureInfo.InvariantCulture);
        }

        // One name for each tile, and none for those whose first position would wrap around to another's.
        return number <= long.MaxValue >> Tile.Height && path == Write(number);
    }

    public static string Write(long number)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"{number % 1000:000}");
        for (number /= 1000; number > 0; number /= 1000)
            path = string.Create(CultureInfo.InvariantCulture, $"x{number % 1000:000}/{path}");
        return path;
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && text == number.ToString(CultureInfo.InvariantCulture);
}
