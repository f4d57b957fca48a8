{# Raises one sentence when the mapping has a table, a key or a value that does not exist. #}
{% macro check_mapping(mapping, tables) %}
    {%- set names = tables | map(attribute='name') | list -%}
    {%- set shop_keys = ['time_zone', 'currency', 'identity'] -%}
    {%- set table_keys = ['relation', 'columns', 'filter', 'reject', 'distinct', 'unnest', 'files', 'delimiter', 'encoding',
        'decimal_mark', 'date_format'] -%}
    {%- set texts = {'columns': 'canonical column: SQL expression', 'reject': 'rule name: SQL condition', 'files': 'name: {delimiter, encoding}'} -%}
    {%- for name, settings in mapping.items() if name not in shop_keys -%}
        {%- if name not in names -%}
            {{ exceptions.raise_compiler_error("The shop's mapping names the table '" ~ name ~ "'; the raw contract has "
                ~ names | join(', ') ~ ", and beside them a mapping may say " ~ shop_keys | join(', ') ~ ".") }}
        {%- elif settings is not none and settings is not mapping -%}
            {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ name ~ "' is " ~ settings
                ~ "; it must be a set of keys such as `relation: " ~ settings ~ "` (see shops/README.md).") }}
        {%- endif -%}
        {%- set settings = settings or {} -%}
        {%- for key in settings if key not in table_keys -%}
            {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ name ~ "' has the unknown key '" ~ key
                ~ "'; it takes " ~ table_keys | join(', ') ~ ".") }}
        {%- endfor -%}
        {%- for key, form in texts.items() if settings.get(key) and settings[key] is not mapping -%}
            {{ exceptions.raise_compiler_error("The key '" ~ key ~ "' of '" ~ name ~ "' in the shop's mapping must hold lines of the form `"
                ~ form ~ "`.") }}
        {%- endfor -%}
        {%- set contract = clientele.raw_columns(name) -%}
        {%- for column in settings.get('columns') or {} if column not in contract -%}
            {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ name ~ "' names the column '" ~ column
                ~ "'; the raw contract has " ~ contract | join(', ') ~ ".") }}
        {%- endfor -%}
        {%- for column, expression in (settings.get('columns') or {}).items() if expression is none or expression is mapping -%}
            {{ exceptions.raise_compiler_error("The shop's mapping of " ~ name ~ "." ~ column
                ~ " is empty; write an SQL expression, or 'null' in quotes for a column that stays empty.") }}
        {%- endfor -%}
        {%- if settings.get('unnest') and clientele.is_query(settings.get('relation', '')) -%}
            {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ name ~ "' has a query and the key 'unnest'; in a query write {relation: array}.") }}
        {%- endif -%}
        {%- if 'decimal_mark' in settings and settings.decimal_mark not in [',', '.'] -%}
            {{ exceptions.raise_compiler_error("The decimal_mark of '" ~ name ~ "' in the shop's mapping is '" ~ settings.decimal_mark
                ~ "'; it is ',' or '.'.") }}
        {%- endif -%}
        {%- set forms = settings.get('date_format') or [] -%}
        {%- for form in ([forms] if forms is string else forms) -%}
            {%- if not modules.re.fullmatch('(%[dmYybBHIpMS]|[^%])*%[dmYy](%[dmYybBHIpMS]|[^%])*', form | string) -%}
                {{ exceptions.raise_compiler_error("The date_format of '" ~ name ~ "' in the shop's mapping is '" ~ form
                    ~ "'; write it like '%d.%m.%Y %H:%M' (%d day, %m month, %Y year, %y its last two digits, %b or %B name of the month, %H or %I hour, %p AM or PM, %M minute, %S second).") }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if 'time_zone' in mapping and mapping.time_zone not in modules.pytz.all_timezones -%}
        {{ exceptions.raise_compiler_error("The time_zone of the shop's mapping is '" ~ mapping.time_zone
            ~ "'; write the name of a zone, such as Europe/Berlin, America/New_York or UTC.") }}
    {%- endif -%}
    {%- if 'currency' in mapping and not modules.re.fullmatch('[A-Z]{3}', mapping.currency | string) -%}
        {{ exceptions.raise_compiler_error("The currency of the shop's mapping is '" ~ mapping.currency
            ~ "'; write its three letters by ISO 4217, such as EUR.") }}
    {%- endif -%}
    {%- if 'identity' in mapping and mapping.identity != 'email' -%}
        {{ exceptions.raise_compiler_error("The identity of the shop's mapping is '" ~ mapping.identity
            ~ "'; it is `email`, which joins the ids of one e-mail address, or left out.") }}
    {%- endif -%}
{% endmacro %}

{# Raises one sentence when SQL of the mapping does not parse, or names what is not there; adds
   `present`, the columns that its expressions can name, to the plan. #}
{% macro check_expressions(plan) %}
    {%- if not plan.landings -%} {{- return('') -}} {%- endif -%}
    {%- set names = plan.landings | map(attribute='name') | unique | join(', ') -%}
    {%- if plan.query -%}
        {%- do adapter.dispatch('check_query', 'clientele')(plan, names) -%}
        {%- do plan.update({
            'source': "(" ~ plan.query ~ ")", 'source_name': "the query over " ~ names,
            'present': adapter.get_column_schema_from_query("select * from (" ~ plan.query ~ ") as landed where false") | map(attribute='name') | list
        }) -%}
    {%- else -%}
        {%- do plan.update({'source': plan.landings[0].relation, 'source_name': names, 'present': plan.landings[0].columns}) -%}
    {%- endif -%}
    {%- set checks = [] -%}
    {%- for column, expression in (plan.settings.get('columns') or {}).items() -%}
        {%- do checks.append({'place': plan.table.name ~ "." ~ column, 'text': expression,
            'sql': "cast(" ~ clientele.mapping_sql(expression) ~ " as varchar)"}) -%}
    {%- endfor -%}
    {%- set conditions = dict(plan.settings.get('reject') or {}) -%}
    {%- do conditions.update({'filter': plan.settings.filter}) if plan.settings.get('filter') -%}
    {%- for name, condition in conditions.items() -%}
        {%- do checks.append({'place': plan.table.name ~ "." ~ name, 'text': condition,
            'sql': "case when " ~ clientele.mapping_sql(condition) ~ " then 1 end"}) -%}
    {%- endfor -%}
    {%- do adapter.dispatch('check_expressions', 'clientele')(plan, checks) if checks -%}
{% endmacro %}

{# Raises the sentence about one piece of SQL of the mapping.

   Arguments:
     place (string): the table and column, or key, that it stands at.
     text (string): the SQL as the mapping has it.
     fault (string): what is wrong with it. #}
{% macro raise_mapping_fault(place, text, fault) %}
    {%- set text = modules.re.sub('\\s+', ' ', text | string).strip() -%}
    {{ exceptions.raise_compiler_error("The shop's mapping of " ~ place ~ " is `" ~ (text if text | length <= 300 else text[:300] ~ "...")
        ~ "`" ~ fault) }}
{% endmacro %}

{# The SQL of a mapping in the target's own words: `json_text(column, 'a.b[0]')` is the text at a path of
   a JSON value; null where there is none, or no JSON. #}
{% macro mapping_sql(text) %}
    {%- set ns = namespace(sql=text | string) -%}
    {%- for call, column, path in modules.re.findall('(?i)(\\bjson_text\\(\\s*("[^"]+"|[\\w.]+)\\s*,\\s*\'([^\']+)\'\\s*\\))', ns.sql) -%}
        {%- set ns.sql = ns.sql.replace(call, adapter.dispatch('json_text', 'clientele')(column, path)) -%}
    {%- endfor -%}
    {%- if modules.re.search('(?i)\\bjson_text\\(', ns.sql) -%}
        {%- do clientele.raise_mapping_fault('a column', text, "; json_text takes a column and a path in quotes: json_text(item, 'price.amount').") -%}
    {%- endif -%}
    {{- return(ns.sql) -}}
{% endmacro %}
