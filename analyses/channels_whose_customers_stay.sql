-- Which channels bring customers who stay? By the channel of the first order: who came back within 90 days, what
-- they brought in their first year, what is expected of them, and how many have fallen silent for a year.
with

acquisition_channels as (
    select
        channel,
        customer_count,
        observed_customer_count,
        repeat_customer_count,
        observed_customer_count_365,
        revenue_365,
        valued_customer_count,
        predicted_value,
        inactive_customer_count
    from {{ ref('acquisition_channels') }}
),

channels_whose_customers_stay as (
    select
        channel,
        sum(customer_count) as customer_count,
        round(100 * cast(sum(repeat_customer_count) as double) / nullif(sum(observed_customer_count), 0), 1)
            as repeat_percent,
        round(cast(sum(revenue_365) as double) / nullif(sum(observed_customer_count_365), 0), 2) as revenue_first_year,
        round(sum(predicted_value) / nullif(sum(valued_customer_count), 0), 2) as expected_next_year,
        round(100 * cast(sum(inactive_customer_count) as double) / sum(customer_count), 1) as inactive_percent
    from acquisition_channels
    group by channel
)

select * from channels_whose_customers_stay
order by repeat_percent desc, channel asc
