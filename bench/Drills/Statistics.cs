namespace Modular.Drills;

/// <summary>Two samples of times, compared. What tells one from the other is the AUC: 0.5 is a coin, 1 is certainty.</summary>
/// <param name="Ks">Kolmogorov–Smirnov: the largest distance of the two distribution functions.</param>
/// <param name="KsP">Its two-sided p-value, asymptotic.</param>
/// <param name="MannWhitneyP">Two-sided p-value of the rank sum, normal approximation with correction for ties.</param>
/// <param name="Auc">How often a time of the second is longer than one of the first: the effect size, and what one try tells.</param>
/// <param name="AucOfTen">The same for means of ten tries.</param>
internal sealed record Comparison(double Ks, double KsP, double MannWhitneyP, double Auc, double AucOfTen);

internal static class Statistics
{
    private const int Tries = 10;
    private const int Resamples = 4_000;

    public static Comparison Compare(double[] first, double[] second)
    {
        var (auc, p) = MannWhitney(first, second);
        var (ks, ksP) = KolmogorovSmirnov(first, second);
        var random = new Random(1);
        var aucOfTen = MannWhitney(MeansOfTen(first, random), MeansOfTen(second, random)).Auc;
        return new Comparison(ks, ksP, p, auc, aucOfTen);
    }

    public static double Quantile(double[] sorted, double at)
    {
        var position = at * (sorted.Length - 1);
        var (low, high) = ((int)Math.Floor(position), (int)Math.Ceiling(position));
        return sorted[low] + ((sorted[high] - sorted[low]) * (position - low));
    }

    // Drawn anew from the sample: two hundred groups of ten would say little.
    private static double[] MeansOfTen(double[] sample, Random random) =>
        [.. Enumerable.Range(0, Resamples).Select(_ => Enumerable.Range(0, Tries).Average(_ => sample[random.Next(sample.Length)]))];

    private static (double Auc, double P) MannWhitney(double[] first, double[] second)
    {
        var all = first.Select(value => (value, isSecond: false)).Concat(second.Select(value => (value, isSecond: true)))
            .OrderBy(entry => entry.value).ToArray();
        double rankSum = 0, ties = 0;
        for (var at = 0; at < all.Length;)
        {
            var end = at;
            while (end < all.Length && all[end].value.Equals(all[at].value))
                end++;
            double count = end - at;
            ties += (count * count * count) - count;
            rankSum += all[at..end].Count(entry => entry.isSecond) * ((at + 1 + end) / 2.0);
            at = end;
        }

        double n1 = first.Length, n2 = second.Length, n = n1 + n2;
        var u = rankSum - (n2 * (n2 + 1) / 2);
        var deviation = Math.Sqrt(n1 * n2 / 12 * (n + 1 - (ties / (n * (n - 1)))));
        return (u / (n1 * n2), deviation == 0 ? 1 : 2 * UpperTail(Math.Abs(u - (n1 * n2 / 2)) / deviation));
    }

    private static (double Distance, double P) KolmogorovSmirnov(double[] first, double[] second)
    {
        double[] one = [.. first.Order()], other = [.. second.Order()];
        var (i, j, distance) = (0, 0, 0.0);
        while (i < one.Length && j < other.Length)
        {
            var value = Math.Min(one[i], other[j]);
            while (i < one.Length && one[i] <= value)
                i++;
            while (j < other.Length && other[j] <= value)
                j++;
            distance = Math.Max(distance, Math.Abs(((double)i / one.Length) - ((double)j / other.Length)));
        }

        var size = Math.Sqrt((double)one.Length * other.Length / (one.Length + other.Length));
        var lambda = (size + 0.12 + (0.11 / size)) * distance;
        var p = Enumerable.Range(1, 100).Sum(k => 2 * (k % 2 == 1 ? 1 : -1) * Math.Exp(-2.0 * k * k * lambda * lambda));
        return (distance, lambda < 0.2 ? 1 : Math.Clamp(p, 0, 1));
    }

    // Abramowitz and Stegun 26.2.17; off by less than 10⁻⁷.
    private static double UpperTail(double z)
    {
        var t = 1 / (1 + (0.2316419 * z));
        var sum = t * (0.319381530 + (t * (-0.356563782 + (t * (1.781477937 + (t * (-1.821255978 + (t * 1.330274429))))))));
        return Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI) * sum;
    }
}
