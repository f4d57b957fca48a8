"""The dashboard: streamlit run integrations/dashboard/app.py, or make dashboard."""

import streamlit as st
from warehouse import MartError

PAGES = [
    ("overview", "Overview"),
    ("segments", "Segments"),
    ("churn", "Churn"),
    ("customer", "Customer"),
    ("sales", "Sales and forecast"),
    ("inventory", "Inventory"),
    ("models", "Models"),
    ("data", "Data"),
]

st.set_page_config(page_title="clientele", layout="wide")
page = st.navigation([st.Page(f"views/{name}.py", title=title) for name, title in PAGES])
st.title(page.title, anchor=False)
try:
    page.run()
except MartError as error:
    st.error(str(error))
