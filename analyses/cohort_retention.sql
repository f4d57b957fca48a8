-- Of the customers of each month, how many order again 1, 3, 6 and 12 months later, and what had each
-- brought in by then? Months that are not over are left out.
{%- set months = [1, 3, 6, 12] %}
with

customer_cohorts as (
    select
        cohort_date,
        months_since,
        customer_count,
        retention_rate,
        revenue
    from {{ ref('customer_cohorts') }}
    where is_whole_month
),

cohort_retention as (
    select
        cohort_date,
        customer_count
        {%- for month in months %},
        round(100 * max(case when months_since = {{ month }} then retention_rate end), 1)
            as retention_percent_month_{{ month }}
        {%- endfor %},
        round(sum(revenue) / customer_count, 2) as revenue_per_customer
    from customer_cohorts
    group by 1, 2
)

select * from cohort_retention
order by 1
