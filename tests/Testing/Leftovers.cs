using System.Diagnostics;
using System.Globalization;

namespace Modular.Testing;

/// <summary>Names that tell whether the test process that made a thing was killed before it could remove it.</summary>
internal static class Leftovers
{
    public static string NameOfThisProcess() => $"{Environment.ProcessId}_{Guid.NewGuid():N}";

    public static bool IsLeftover(string name)
    {
        try
        {
            using var process = Process.GetProcessById(int.Parse(name.Split('_')[0], CultureInfo.InvariantCulture));
            return false;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }
}
