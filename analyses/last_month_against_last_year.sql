-- How did the last whole month go, beside the month before it and the same month a year before?
with

business_kpis as (
    select
        kpi,
        month_date,
        kpi_value,
        value_month_before,
        value_year_before,
        change_month,
        change_year
    from {{ ref('business_kpis') }}
    where period = 'month' and is_whole_month
),

last_months as (
    select max(month_date) as month_date
    from business_kpis
),

last_month_against_last_year as (
    select
        business_kpis.kpi,
        business_kpis.month_date,
        round(business_kpis.kpi_value, 4) as kpi_value,
        round(business_kpis.value_month_before, 4) as value_month_before,
        round(business_kpis.value_year_before, 4) as value_year_before,
        round(100 * business_kpis.change_month, 1) as percent_change_month,
        round(100 * business_kpis.change_year, 1) as percent_change_year
    from business_kpis
    inner join last_months
        on business_kpis.month_date = last_months.month_date
)

select * from last_month_against_last_year
order by kpi
