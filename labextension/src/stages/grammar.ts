/**
 * The vocabulary of our tags. Generated from the Python definitions by
 * `python labextension/generate.py`; a test holds that it is current.
 */

export type Role = 'parameters' | 'shared' | 'skip' | 'leading';
export type NameProblem = 'empty' | 'identifier' | 'keyword' | 'special' | 'reserved';
export type OptionName = 'retries' | 'timeout' | 'cell-timeout' | 'cache' | 'reads' | 'writes' | 'contract' | 'labels' | 'approve' | 'promote' | 'cpus' | 'memory' | 'gpus' | 'image' | 'secret' | 'limit';

export const ROLES: Readonly<Record<string, Role>> = {
  "parameters": "parameters",
  "pipeline-parameters": "parameters",
  "shared": "shared",
  "skip": "skip",
  "imports": "leading",
  "functions": "leading"
};

export const METRICS_OF_PRINTS: string = "pipeline-metrics";

export const SYNONYMS: Readonly<Record<string, string>> = {
  "step": "stage",
  "block": "stage",
  "prev": "after"
};

export const PREFIXES: readonly string[] = [
  "stage",
  "gate",
  "after",
  "metric",
  "mutates",
  "pure",
  "shares",
  "rows",
  "score",
  "frozen",
  "live",
  "target",
  "key",
  "retries",
  "timeout",
  "cell-timeout",
  "cache",
  "reads",
  "writes",
  "contract",
  "labels",
  "approve",
  "promote",
  "cpus",
  "memory",
  "gpus",
  "image",
  "secret",
  "limit"
];

export const SCORING: readonly string[] = [
  "rows",
  "score",
  "frozen",
  "live",
  "target",
  "key"
];

export const KEYWORDS: readonly string[] = [
  "False",
  "None",
  "True",
  "and",
  "as",
  "assert",
  "async",
  "await",
  "break",
  "class",
  "continue",
  "def",
  "del",
  "elif",
  "else",
  "except",
  "finally",
  "for",
  "from",
  "global",
  "if",
  "import",
  "in",
  "is",
  "lambda",
  "nonlocal",
  "not",
  "or",
  "pass",
  "raise",
  "return",
  "try",
  "while",
  "with",
  "yield"
];

export const RESERVED_NAMES: readonly string[] = [
  "shared",
  "_notebook",
  "_namespace"
];

/** What the whole value looks like, case ignored; `wanted` ends "it takes …". */
export const OPTIONS: Readonly<Record<OptionName, { pattern: string; wanted: string }>> = {
  "retries": {
    "pattern": "\\d{1,9}",
    "wanted": "a whole number such as 0, 1 or 2"
  },
  "timeout": {
    "pattern": "(?=.*[1-9])(\\d{1,15}(\\.\\d{1,9})?|(\\d{1,15}(\\.\\d{1,9})?\\s*(sec|min|s|m|h|d)\\s*){1,4})",
    "wanted": "a time such as 45s, 30m, 2h or 1h30m"
  },
  "cell-timeout": {
    "pattern": "(?=.*[1-9])(\\d{1,15}(\\.\\d{1,9})?|(\\d{1,15}(\\.\\d{1,9})?\\s*(sec|min|s|m|h|d)\\s*){1,4})",
    "wanted": "a time such as 45s, 30m, 2h or 1h30m"
  },
  "cache": {
    "pattern": "on|enabled|off|disabled|(?=.*[1-9])(\\d{1,15}(\\.\\d{1,9})?|(\\d{1,15}(\\.\\d{1,9})?\\s*(sec|min|s|m|h|d)\\s*){1,4})",
    "wanted": "'on', 'off', or how old a result may be, such as 6h or 1d"
  },
  "reads": {
    "pattern": "[^,\\s][^,]*(,\\s*[^,\\s][^,]*)*",
    "wanted": "paths relative to the notebook, separated by commas, such as data/*.csv"
  },
  "writes": {
    "pattern": "[^,\\s][^,]*(,\\s*[^,\\s][^,]*)*",
    "wanted": "paths relative to the notebook, separated by commas, such as data/*.csv"
  },
  "contract": {
    "pattern": "[^\\s,=:]+(\\s*=\\s*[^\\s,=:]+)?(\\s*,\\s*[^\\s,=:]+(\\s*=\\s*[^\\s,=:]+)?)*",
    "wanted": "the names of variables, separated by commas, each with a schema if it has one: sales=schema"
  },
  "labels": {
    "pattern": "[^\\s,=:]+(\\s*,\\s*[^\\s,=:]+)*",
    "wanted": "the names of tables whose rows wait for labels, separated by commas"
  },
  "approve": {
    "pattern": ".*\\S.*",
    "wanted": "the question that a person answers, such as: Are these errors acceptable?"
  },
  "promote": {
    "pattern": "([A-Za-z0-9]+_)*(mae|mse|rmse|mape|r2|accuracy|f1|auc|log_loss|brier)",
    "wanted": "one of mae, mse, rmse, mape, r2, accuracy, f1, auc, log_loss, brier, or a name that ends with one, such as best_mae"
  },
  "cpus": {
    "pattern": "(?=.*[1-9])\\d{1,15}(\\.\\d{1,9})?",
    "wanted": "a number above zero such as 2 or 0.5"
  },
  "memory": {
    "pattern": "(?=.*[1-9])\\d{1,15}(\\.\\d{1,9})?\\s*[KMGT]?i?B?",
    "wanted": "a size such as 4GiB or 512MB"
  },
  "gpus": {
    "pattern": "\\d{1,9}",
    "wanted": "a whole number such as 0, 1 or 2"
  },
  "image": {
    "pattern": "\\S+",
    "wanted": "the reference of a container image, such as python:3.12-slim"
  },
  "secret": {
    "pattern": "[A-Za-z_][A-Za-z0-9_]*(\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*",
    "wanted": "the name of an environment variable, such as API_TOKEN"
  },
  "limit": {
    "pattern": "[^:\\s][^:]*:.*\\S.*",
    "wanted": "a resource and its amount, such as nvidia.com/gpu:1"
  }
};
