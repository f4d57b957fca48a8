{# Forget a customer on request: their orders stay, as a guest's; nothing else of them is read again, whatever the raw
   data hold. History that no build repeats is erased at once, every other table by the next build:
     dbt run-operation forget_customer --args '{customer_id: C000042}'

   Arguments:
     customer_id (string): the id as `dim_customers` has it; other ids of the same person (`identity: email`) go with it. #}
{% macro forget_customer(customer_id) %}
    {%- set nodes = graph.nodes.values() | selectattr('package_name', 'equalto', 'clientele') | list -%}
    {%- set relations = {} -%}
    {%- for node in nodes if node.name in ['forgotten_customers', 'dim_customers', 'base_shop__customer_identities', 'rejected_rows'] -%}
        {%- do relations.update({node.name: load_cached_relation(api.Relation.create(
            database=node.database, schema=node.schema, identifier=node.alias))}) -%}
    {%- endfor -%}
    {%- if not relations.forgotten_customers or not relations.dim_customers -%}
        {{ exceptions.raise_compiler_error("No shop was built in this target yet: run `dbt build` first.") }}
    {%- endif -%}
    {%- set id = "'" ~ (customer_id | string | replace("'", "''")) ~ "'" -%}
    {%- set ids = run_query("select customer_id from " ~ relations.dim_customers ~ " where customer_id = " ~ id
        ~ " union select customer_id from " ~ relations.base_shop__customer_identities ~ " where person_id = " ~ id).columns[0].values() -%}
    {%- if not ids -%}
        {{ exceptions.raise_compiler_error("There is no customer " ~ customer_id ~ " in " ~ relations.dim_customers
            ~ "; ids stand there in upper case and without blanks around them.") }}
    {%- endif -%}
    {%- set listed = [] -%}
    {%- for value in ids -%}
        {%- do listed.append("'" ~ (value | replace("'", "''")) ~ "'") -%}
    {%- endfor -%}
    {%- set listed = listed | join(', ') -%}
    {%- set statements = ["insert into " ~ relations.forgotten_customers ~ " (customer_id) select customer_id from ("
        ~ "select customer_id from " ~ relations.dim_customers ~ " where customer_id in (" ~ listed ~ ")"
        ~ " union select customer_id from " ~ relations.base_shop__customer_identities ~ " where customer_id in (" ~ listed ~ ")"
        ~ ") as asked where customer_id not in (select forgotten.customer_id from " ~ relations.forgotten_customers ~ " as forgotten)"] -%}
    {%- set kept = [] -%}
    {%- for node in nodes if node.resource_type == 'snapshot' or node.config.materialized == 'incremental' -%}
        {%- set relation = load_cached_relation(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -%}
        {%- if relation and node.name != 'forgotten_customers'
            and 'customer_id' in adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') -%}
            {%- do statements.append("delete from " ~ relation ~ " where customer_id in (" ~ listed ~ ")") -%}
            {%- do kept.append(relation | string) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do clientele.begin_transaction() -%}
    {%- for sql in statements -%}
        {%- do run_query(sql) -%}
    {%- endfor -%}
    {%- do run_query("commit") -%}
    {%- do print("Forgotten: " ~ ids | join(', ') ~ ". Erased from " ~ kept | join(', ')
        ~ ". Build now (`make build`, `dbt build`): that takes them out of every other table.") -%}
    {#- What is no record has no customer_id to go by. -#}
    {%- for value in ids -%}
        {%- set lines = run_query("select count(*) from " ~ relations.rejected_rows ~ " where rule = 'malformed_row' and upper(raw_record) like '%"
            ~ (value | replace("'", "''")) ~ "%'").columns[0].values()[0] -%}
        {%- if lines -%}
            {%- do print("Lines of the raw files that are no record and hold the text " ~ value ~ ": " ~ lines
                ~ ". They stay in staging.rejected_rows until they are taken out of the raw data.") -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
