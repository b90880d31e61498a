<?php
// How the PHP programs run and print their cases.

error_reporting(E_ALL);
ini_set('display_errors', 'stderr');
ini_set('memory_limit', '512M');

final class Saying
{
    public static string $case = '';
}

// A failed query is a Refused, never a warning that nobody reads.
final class Refused extends RuntimeException
{
    public function __construct(public readonly ?string $sqlstate, string $message)
    {
        parent::__construct(trim(strtok($message, "\n")));
    }
}

function shown(mixed $value): string
{
    return match (true) {
        $value === null => 'NULL',
        is_bool($value) => $value ? 'true' : 'false',
        is_array($value) => json_encode($value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES),
        default => (string) $value,
    };
}

function saw(mixed ...$values): void
{
    echo Saying::$case, ': ', implode(' ', array_map(shown(...), $values)), "\n";
}

// Runs one case; `$after` puts the connection in order again when it failed.
function in_case(string $name, callable $run, callable $after): void
{
    Saying::$case = $name;
    try {
        $run();
    } catch (Throwable $error) {
        [$state, $message] = failure($error);
        saw('ERROR', $state, $message);
        $after();
    }
}

function failure(Throwable $error): array
{
    if ($error instanceof PDOException) {
        return [$error->errorInfo[0] ?? $error->getCode(), strtok($error->errorInfo[2] ?? $error->getMessage(), "\n")];
    }
    return [$error instanceof Refused ? $error->sqlstate : 'none', $error->getMessage()];
}

function refused(callable $run): void
{
    try {
        $run();
        saw('not refused');
    } catch (PDOException | Refused $error) {
        saw(...failure($error));
    }
}

function same(string $back, string $value): string
{
    return $back === $value ? 'same' : 'other';
}

// What each type's round trip is tried with.
const ROUND_TRIPS = [
    'jsonb' => ['{"b": [1, null, "public"], "a": {"ü": 1.50}}'],
    'timestamptz' => ['2026-03-01 12:34:56.789012+02', 'infinity'],
    'numeric' => ['12345678901234567890.123456789', 'NaN', '-0.00'],
    'uuid' => ['6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
];
