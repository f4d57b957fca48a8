{# The sales report as text: the last twelve months, the ten products of most revenue, the next 28 days. #}
{% macro sales_report() %}
    {%- set months = run_query("select month_date, order_count, revenue, margin, average_order_value, revenue_growth_year, is_whole_month from "
        ~ clientele.built('monthly_sales') ~ " order by month_date desc limit 12").rows -%}
    {%- set products = run_query("select revenue_rank, coalesce(product_name, product_id), unit_count_365, revenue_365 from "
        ~ clientele.built('product_performance') ~ " where revenue_365 > 0 order by revenue_365 desc, product_id limit 10").rows -%}
    {%- set expected = run_query("select max(cumulative_revenue), max(cumulative_units), max(status_reason),"
        ~ " max(low_cumulative_revenue), max(high_cumulative_revenue) from " ~ clientele.built('sales_forecast')).rows[0] -%}
    {%- set lines = ["SALES REPORT as of " ~ clientele.built_as_of_date(), "",
        "%-9s %8s %14s %14s %10s %9s" | format("Month", "Orders", "Revenue", "Margin", "Basket", "Year")] -%}
    {%- for month in months -%}
        {%- do lines.append("%-9s %8s %14s %14s %10s %9s" | format(month[0].strftime('%Y-%m') ~ ("" if month[6] else "*"), month[1],
            clientele.in_money(month[2]), clientele.in_money(month[3]), clientele.in_money(month[4]), clientele.in_percent(month[5]))) -%}
    {%- endfor -%}
    {%- do lines.append("* not a whole month. Year: revenue against the same month a year before.") -%}
    {%- do lines.extend(["", "%-40s %10s %14s" | format("Best sellers of the last 365 days", "Units", "Revenue")]) -%}
    {%- for product in products -%}
        {%- do lines.append("%-40s %10s %14s" | format((product[1] | string)[:40], product[2], clientele.in_money(product[3]))) -%}
    {%- endfor -%}
    {%- do lines.extend(["", "Expected in the next 28 days: revenue " ~ clientele.in_money(expected[0])
        ~ (" (with 80 %% probability %s to %s)" | format(clientele.in_money(expected[3]), clientele.in_money(expected[4])) if expected[3] is not none else "")
        ~ (", units %.0f." | format(expected[1])
        if expected[1] is not none else ". " ~ (expected[2] or ""))]) -%}
    {{- return(lines | join('\n') ~ '\n') -}}
{% endmacro %}

{# The KPIs as text: the newest whole month beside the month and the year before, and in total. #}
{% macro kpi_summary() %}
    {%- set kpis = run_query("select kpi, period, month_date, kpi_value, value_month_before, value_year_before from " ~ clientele.built('business_kpis')
        ~ " where period <> 'month' or month_date = (select max(month_date) from " ~ clientele.built('business_kpis')
        ~ " where period = 'month' and is_whole_month) order by kpi, period").rows -%}
    {%- set month = kpis | selectattr(1, 'equalto', 'month') | map(attribute=2) | first -%}
    {%- set lines = ["KPI SUMMARY as of " ~ clientele.built_as_of_date(), "",
        "%-22s %14s %14s %14s %14s" | format("KPI", month.strftime('%Y-%m') if month else "Month", "Month before", "Year before", "In total")] -%}
    {%- for name, rows in kpis | groupby(0) -%}
        {%- set of_month = rows | selectattr(1, 'equalto', 'month') | first -%}
        {%- set total = rows | rejectattr(1, 'equalto', 'month') | first -%}
        {%- set values = (of_month[3:6] if of_month else [none, none, none]) | list + [total[3] if total else none] -%}
        {%- set shown = [] -%}
        {%- for value in values -%}
            {%- do shown.append(clientele.in_percent(value) if name.endswith('_rate') else clientele.in_money(value, 0 if name in ['active_customers', 'orders'] else 2)) -%}
        {%- endfor -%}
        {%- do lines.append("%-22s %14s %14s %14s %14s" | format(name.replace('_', ' '), shown[0], shown[1], shown[2], shown[3])) -%}
    {%- endfor -%}
    {{- return(lines | join('\n') ~ '\n') -}}
{% endmacro %}

{# Relation of a model by its name, for operations: `ref` is not for them.

   Arguments:
     name (string): of a model. #}
{% macro built(name) %}
    {%- set node = graph.nodes['model.clientele.' ~ name] -%}
    {{- return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -}}
{% endmacro %}

{# The day that was built, as ISO text. #}
{% macro built_as_of_date() %}
    {{- return(run_query("select as_of_date from " ~ clientele.built('as_of_date')).columns[0].values()[0] | string) -}}
{% endmacro %}

{# A number with its thousands apart; a dash for none.

   Arguments:
     value (number): of money, or a count.
     places (integer): decimal places. #}
{% macro in_money(value, places=2) %}
    {{- return("{:,.{}f}".format(value, places) if value is not none else "-") -}}
{% endmacro %}

{# A share as a percentage; a dash for none.

   Arguments:
     value (number): a share, 0.1 for 10 %. #}
{% macro in_percent(value) %}
    {{- return("{:.1f}%".format(value * 100) if value is not none else "-") -}}
{% endmacro %}
