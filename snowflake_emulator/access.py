"""Roles, warehouses, grants, masking policies, query tags, comments: what governs a statement."""

import re

import duckdb
import sqlglot
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

from .checks import lines
from .names import FLAGS, MARK, NAME, in_full, literal, quoted, snowflake_type, stored

OBJECT = r"(role|warehouse|user|resource\s+monitor|network\s+policy|tag|masking\s+policy)"
PACKAGES = [[word.lower() for word in line] for line in lines("packages.txt")]
ROLE_HIERARCHY = {
    "ACCOUNTADMIN": {"SYSADMIN", "SECURITYADMIN"},
    "SECURITYADMIN": {"USERADMIN"},
}
# Parts of an object's full name; three where none is given.
NAME_PARTS = {"ROLE": 1, "DATABASE": 1, "WAREHOUSE": 1, "ACCOUNT": 1, "SCHEMA": 2}
GRANT_COLUMNS = [
    "created_on", "privilege", "granted_on", "name",
    "granted_to", "grantee_name", "grant_option", "granted_by",
]  # fmt: skip


def with_history(cursor, sql):
    """Replace SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY by the statements that were run."""
    pattern = r"\bsnowflake\s*\.\s*account_usage\s*\.\s*query_history\b"
    if not re.search(pattern, sql, FLAGS):
        return sql
    cursor.session.account.write_history()
    return re.sub(pattern, "_fs_global._fs_information_schema.query_history", sql, flags=FLAGS)


def with_packages(sql):
    """Replace INFORMATION_SCHEMA.PACKAGES by the list of what the channel is known to have."""
    rows = ", ".join(f"('python', '3.11', '{name}', '{version}')" for name, version in PACKAGES)
    listed = f"(values {rows}) as packages (language, runtime_version, package_name, version)"
    return re.sub(r"[\w.]*\binformation_schema\s*\.\s*packages\b", listed, sql, flags=FLAGS)


def with_roles(session, sql):
    """Replace IS_ROLE_IN_SESSION by whether the current role is, or has been granted, a role."""

    def known(match):
        return str(match[1].upper() in roles_of(session)).lower()

    return re.sub(r"\bis_role_in_session\s*\(\s*'(\w+)'\s*\)", known, sql, flags=FLAGS)


def roles_of(session):
    """Return the current role and all roles granted to it, directly or through others."""
    roles, new = set(), {session.role}
    while new:
        roles |= new
        inherited = {
            grant["name"][-1]
            for grant in session.account.grants
            if grant["kind"] == "ROLE" and grant["grantee"] in new
        }
        new = inherited.union(*(ROLE_HIERARCHY.get(role, set()) for role in new)) - roles
    return roles


def with_masks(cursor, expression):
    """Read each column that has a masking policy through it, as the current role may."""
    masked = cursor.session.account.masked
    expressions = {cte.alias.upper() for cte in expression.find_all(exp.CTE)} if masked else set()
    for table in list(expression.find_all(exp.Table)) if masked else []:
        policies = masked.get(cursor.full_name(table))
        is_expression = not table.db and table.name.upper() in expressions
        if not policies or is_expression or not isinstance(table.parent, exp.From | exp.Join):
            continue
        columns = ", ".join(
            f"{cursor.session.account.policies[policy].format(quoted(column))} as {quoted(column)}"
            for column, policy in policies.items()
        )
        alias = table.args.get("alias") or exp.TableAlias(this=table.this.copy())
        source = table.copy()
        source.set("alias", None)
        text = with_roles(cursor.session, f"select * replace ({columns}) from masked_table")
        masking = sqlglot.parse_one(text, read="snowflake")
        masking.find(exp.Table).replace(source)
        table.replace(exp.Subquery(this=masking, alias=alias.copy()))
    return expression


def create_policy(cursor, match, sql):
    """CREATE MASKING POLICY: an expression over the one value that it is given."""
    name = cursor.name(match["name"])
    policies = cursor.session.account.policies
    if not (match["exists"] and name in policies):
        policies[name] = template(match["body"], match["argument"])
    cursor.succeed(f"Masking policy {name[-1]} successfully created.")


def alter_policy(cursor, match, sql):
    """ALTER MASKING POLICY SET BODY; the argument keeps its name `value`."""
    name = cursor.name(match["name"])
    if name not in cursor.session.account.policies:
        raise missing("Masking policy", name)
    cursor.session.account.policies[name] = template(match["body"], "value")
    cursor.succeed()


def template(body, argument):
    """Return a policy's body as a format string with one place, for the column."""
    body = body.replace("{", "{{").replace("}", "}}")
    return re.sub(rf"\b{argument}\b", "{0}", body, flags=FLAGS)


def set_policy(cursor, match, sql):
    """ALTER TABLE ... MODIFY COLUMN ... SET or UNSET MASKING POLICY."""
    account = cursor.session.account
    table = cursor.name(match["table"])
    with account.lock:
        described = cursor._duck_conn.execute(f"describe {in_full(table)}").fetchall()
    column = cursor.name(match["column"])[-1]
    if stored(column) not in [row[0] for row in described]:
        raise ProgrammingError(
            msg=f"SQL compilation error:\ncolumn '{column}' does not exist",
            errno=904,
            sqlstate="42000",
        )
    if match["policy"]:
        policy = cursor.name(match["policy"])
        if policy not in account.policies:
            raise missing("Masking policy", policy)
        account.masked.setdefault(table, {})[column] = policy
    else:
        account.masked.get(table, {}).pop(column, None)
    cursor.succeed()


def missing(kind, name):
    """Make the error of an object that does not exist."""
    return ProgrammingError(
        msg=f"SQL compilation error:\n{kind} '{'.'.join(name)}' does not exist or not authorized.",
        errno=2003,
        sqlstate="02000",
    )


def forget_object(session, name, copy_grants):
    """Take the policies, and unless they are copied the grants, from a table that is replaced."""
    session.account.masked.pop(name, None)
    if not copy_grants:
        session.account.grants = [
            grant
            for grant in session.account.grants
            if grant["name"] != name or grant["kind"] == "ROLE"
        ]


def describe(cursor, match, sql):
    """DESCRIBE TABLE or VIEW."""
    name = in_full(cursor.name(match[1]))
    with cursor.session.account.lock:
        try:
            rows = cursor._duck_conn.execute(f"describe {name}").fetchall()
        except duckdb.CatalogException:
            raise missing("Object", cursor.name(match[1])) from None
    names = ["name", "type", "kind", "null?", "default", "primary key", "unique key", "check"]
    cursor.answer(
        [*names, "expression", "comment", "policy name"],
        [
            [
                row[0].replace(MARK, ""),
                snowflake_type(row[1]),
                "COLUMN",
                "Y" if row[2] == "YES" else "N",
            ]
            + [None, "N", "N", None, None, None, policy_of(cursor, match[1], row[0])]
            for row in rows
        ],
    )


def policy_of(cursor, table, column):
    """Return the masking policy of a column, if it has one."""
    policy = cursor.session.account.masked.get(cursor.name(table), {}).get(column)
    return ".".join(policy) if policy else None


def show_nothing(cursor, match, sql):
    """SHOW USER FUNCTIONS: there are none."""
    cursor.answer(["name", "catalog_name", "schema_name", "is_builtin"], [])


def cancel(cursor, match, sql):
    """SYSTEM$CANCEL_ALL_QUERIES: none of the session runs when its next is read."""
    cursor.answer(["SYSTEM$CANCEL_ALL_QUERIES"], [["0 cancelled."]])


def use(cursor, match, sql):
    """USE ROLE or WAREHOUSE."""
    setattr(cursor.session, match[1].lower(), cursor.name(match[2])[-1])
    cursor.succeed()


def comment_columns(cursor, match, sql):
    """ALTER TABLE or VIEW with a comment for each column: what persist_docs sends."""
    name = in_full(cursor.name(match[1]))
    pairs = re.findall(
        r'("(?:[^"]|"")+"|\w+)\s+comment\s+(?:\$\$(.*?)\$\$|\'((?:[^\']|\'\')*)\')', sql, FLAGS
    )
    with cursor.session.account.lock:
        for column, dollars, quotes in pairs:
            column = column if column.startswith('"') else quoted(column.upper())
            text = literal(dollars or quotes.replace("''", "'"))
            cursor._duck_conn.execute(f"comment on column {name}.{column} is {text}")
    cursor.succeed()


def comment_object(cursor, match, sql):
    """COMMENT ON a table, view, schema or database."""
    kind, name = match[1].lower(), in_full(cursor.name(match[2]))
    if kind in ("table", "view"):
        text = literal(match[3].strip().strip("$'"))
        with cursor.session.account.lock:
            cursor._duck_conn.execute(f"comment on {kind} {name} is {text}")
    cursor.succeed()


def grant(cursor, match, sql):
    """GRANT or REVOKE of privileges on objects, and of roles to roles."""
    account = cursor.session.account
    kind = " ".join((match["kind"] or "TABLE").upper().split())
    many = re.match(
        r"(all|future)\s+(\w+)\s+in\s+(?:schema|database)\s+(.*)", match["object"], FLAGS
    )
    parts = NAME_PARTS.get(kind, 3)
    name = ("*", many[3].upper()) if many else cursor.name(match["object"])[-parts:]
    for privilege in match["privileges"].upper().split(","):
        entry = {
            "privilege": privilege.strip(),
            "kind": kind,
            "name": name,
            "grantee": cursor.name(match["grantee"])[-1],
        }
        account.grants = [given for given in account.grants if given != entry]
        if match["verb"].lower() == "grant":
            account.grants.append(entry)
    cursor.succeed()


def grant_role(cursor, match, sql):
    """GRANT or REVOKE of a role."""
    account = cursor.session.account
    entry = {
        "privilege": "USAGE",
        "kind": "ROLE",
        "name": cursor.name(match["role"])[-1:],
        "grantee": cursor.name(match["grantee"])[-1],
    }
    account.grants = [given for given in account.grants if given != entry]
    if match["verb"].lower() == "grant":
        account.grants.append(entry)
    cursor.succeed()


def show_grants(cursor, match, sql):
    """SHOW GRANTS ON an object, or TO a role."""
    name = cursor.name(match["name"])
    rows = [
        [
            None,
            given["privilege"],
            given["kind"],
            ".".join(given["name"]),
            "ROLE",
            given["grantee"],
            "false",
            "",
        ]
        for given in cursor.session.account.grants
        if (
            given["name"] == name
            if match["which"].lower() == "on"
            else given["grantee"] == name[-1]
        )
    ]
    cursor.answer(GRANT_COLUMNS, rows)


def record(cursor, match, sql):
    """Accept a statement on an object that nothing depends on here, and keep it for tests."""
    cursor.session.account.recorded.append(sql)
    cursor.succeed()


HANDLERS = [
    (re.compile(pattern, FLAGS), handler)
    for pattern, handler in [
        (rf"desc(?:ribe)?\s+(?:table|view)\s+({NAME})\Z", describe),
        (r"select\s+system\$cancel_all_queries\b", cancel),
        (r"show\s+user\s+functions\b", show_nothing),
        (rf"use\s+(role|warehouse)\s+({NAME})", use),
        (r"use\s+secondary\s+roles\s+\w+", record),
        (
            rf"create\s+(?:or\s+replace\s+)?masking\s+policy\s+(?P<exists>if\s+not\s+exists\s+)?(?P<name>{NAME})"
            r"\s+as\s*\(\s*(?P<argument>\w+)\s+\w+\s*\)\s*returns\s+\w+\s*->\s*(?P<body>.*)",
            create_policy,
        ),
        (
            rf"alter\s+masking\s+policy\s+(?P<name>{NAME})\s+set\s+body\s*->\s*(?P<body>.*)",
            alter_policy,
        ),
        (
            rf"alter\s+(?:table|view)\s+(?P<table>{NAME})\s+(?:modify|alter)\s+column\s+(?P<column>{NAME})\s+"
            rf"(?:set\s+masking\s+policy\s+(?P<policy>{NAME})(?:\s+force)?|unset\s+masking\s+policy)\Z",
            set_policy,
        ),
        (rf"alter\s+(?:table|view)\s+({NAME})\s+alter\b.*\bcomment\b", comment_columns),
        (rf"comment\s+(?:if\s+exists\s+)?on\s+(\w+)\s+({NAME})\s+is\s+(.*)", comment_object),
        (
            rf"(?P<verb>grant|revoke)\s+role\s+(?P<role>{NAME})\s+(?:to|from)\s+(?:role|user)\s+(?P<grantee>{NAME})",
            grant_role,
        ),
        (
            r"(?P<verb>grant|revoke)\s+(?P<privileges>[\w\s,]+?)\s+on\s+"
            r"(?:(?P<kind>table|view|schema|database|warehouse|stage|masking\s+policy|account)\s+)?"
            rf"(?P<object>(?:(?:all|future)\s+\w+\s+in\s+\w+\s+)?{NAME})\s+(?:to|from)\s+(?:role\s+)?(?P<grantee>{NAME})",
            grant,
        ),
        (
            rf"show\s+grants\s+(?P<which>on|to)\s+(?:(?:table|view|schema|database|role)\s+)?(?P<name>{NAME})",
            show_grants,
        ),
        (rf"(create|alter|drop)\s+(or\s+replace\s+)?{OBJECT}\b", record),
    ]
]
