{# Write the marts as files, for who reads no warehouse:
     dbt run-operation export_marts
     dbt run-operation export_marts --args '{place: /data/exports}'
   - order_lines/year=.../month=...: order lines with what is known of product and customer, Parquet
   - parquet/<schema>/: every mart; csv/<schema>/: customers, sales and inventory for spreadsheets and BI, no cell
     of which a spreadsheet takes for a formula; json/<schema>/: the same as JSON lines, for APIs
   - sales_report.txt, kpi_summary.txt
   The last export stays whole until the new one is.

   Arguments:
     place (string): on DuckDB a folder (default `exports`), on Snowflake a stage (default: EXPORTS in the schema of the
       sales marts).
     personal_data (boolean): whether names, e-mail addresses and the like are written too. #}
{% macro export_marts(place=none, personal_data=false) %}
    {%- set marts = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[:2] == ['clientele', 'marts'] -%}
        {%- if not load_cached_relation(clientele.built(node.name)) -%}
            {{ exceptions.raise_compiler_error("Mart '" ~ node.name ~ "' has not been built in this target yet: run `dbt build` first.") }}
        {%- endif -%}
        {%- do marts.append(node) -%}
    {%- endfor -%}
    {%- set place = place or clientele.export_place(clientele.built('daily_sales')) -%}
    {%- set folder = clientele.begin_export(place) -%}
    {%- do clientele.write_export(clientele.enriched_order_lines(personal_data), folder ~ '/order_lines', 'parquet', true) -%}
    {%- for mart in marts | sort(attribute='name') if mart.name != 'fct_order_lines' -%}
        {%- set subject = mart.fqn[-2] -%}
        {%- set path = subject ~ '/' ~ mart.name -%}
        {%- do clientele.write_export(clientele.mart_columns(mart, personal_data), folder ~ '/parquet/' ~ path, 'parquet') -%}
        {%- if subject in ['customers', 'sales', 'inventory'] -%}
            {%- do clientele.write_export(clientele.mart_columns(mart, personal_data, true), folder ~ '/csv/' ~ path, 'csv') -%}
            {%- do clientele.write_export(clientele.mart_columns(mart, personal_data), folder ~ '/json/' ~ path, 'json') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do clientele.write_export_text(clientele.sales_report(), folder ~ '/sales_report.txt') -%}
    {%- do clientele.write_export_text(clientele.kpi_summary(), folder ~ '/kpi_summary.txt') -%}
    {%- do print("Exported " ~ marts | length ~ " marts" ~ (", personal data included," if personal_data else ", without personal data,")
        ~ " to " ~ clientele.publish_export(place) ~ ".") -%}
{% endmacro %}

{# Select of a mart's columns, without those that its YAML says hold personal data.

   Arguments:
     mart (dict): a node of the graph.
     personal_data (boolean): whether to keep personal data.
     is_spreadsheet (boolean): whether to put an apostrophe before text that a spreadsheet would take for a formula
       (OWASP, CSV injection). #}
{% macro mart_columns(mart, personal_data, is_spreadsheet=false) %}
    {%- set columns = [] -%}
    {%- for column in mart.columns.values() if personal_data or not column.config.meta.contains_pii -%}
        {%- if is_spreadsheet and column.data_type == 'varchar' -%}
            {%- do columns.append("case when left(" ~ column.name ~ ", 1) in ('=', '+', '-', '@', '\t', '\r') then '''' || "
                ~ column.name ~ " else " ~ column.name ~ " end as " ~ column.name) -%}
        {%- else -%}
            {%- do columns.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return("select " ~ columns | join(', ') ~ " from " ~ clientele.built(mart.name)) -}}
{% endmacro %}

{# Select of the order lines with what is known of the product and the customer.

   Arguments:
     personal_data (boolean): whether names and the like come too. #}
{% macro enriched_order_lines(personal_data) %}
    {%- set columns = [] -%}
    {%- set from = [] -%}
    {%- for name, key in {'fct_order_lines': none, 'dim_products': 'product_id', 'customer_360': 'customer_id'}.items() -%}
        {%- set mart = graph.nodes['model.clientele.' ~ name] -%}
        {%- set kept = {
            'dim_products': ['product_name', 'category', 'brand'],
            'customer_360': ['customer_name', 'email', 'city', 'country', 'loyalty_tier', 'first_order_date', 'lifecycle_stage',
                'rfm_segment', 'segment_name', 'risk_band'],
        }.get(name, mart.columns.keys() | list) -%}
        {%- for column in kept if personal_data or not mart.columns[column].config.meta.contains_pii -%}
            {%- do columns.append(name ~ '.' ~ column) -%}
        {%- endfor -%}
        {%- do from.append(("left join " if key else "") ~ clientele.built(mart.name) ~ " as " ~ name
            ~ (" on fct_order_lines." ~ key ~ " = " ~ name ~ "." ~ key if key else "")) -%}
    {%- endfor -%}
    {{- return("select " ~ columns | join(', ') ~ ", extract(year from fct_order_lines.order_date) as year,"
        ~ " lpad(cast(extract(month from fct_order_lines.order_date) as varchar), 2, '0') as month from " ~ from | join(' ')) -}}
{% endmacro %}
